//! Access tests, checks and suppressions: what is wrong with them, each with its line.

use super::beside;

#[test]
fn a_test_demands_exactly_one_thing_of_somebody_about_something() {
    insta::assert_snapshot!(beside("tests:
  - {name: none}
  - {name: two, never: {may: read}, always: {may: read, actors: {users: [a]}}}
  - {never: {may: read}}
  - {name: nobody, never: {may: read, actors: {}}}
  - {name: whom, always: {may: read}}
  - {name: what, never: {actors: {users: [a]}}}
  - {name: many, at_most: {may: read}}
  - {name: ten, never: {people: ten, may: read}}
  - {name: word, never: {may: raed, environments: [prd], except: {product_roles: [analyst]}}}
  - {name: word, never: {may: read, actor: {users: [a]}}}
  - reads"), @r#"
    error[invalid-test]: the test `none` demands nothing
      --> rolecall.yml:4:12
       |   - {name: none}
       |            ^
      help: write exactly one of never, always and at_most
    error[invalid-test]: the test `two` has never and always
      --> rolecall.yml:5:12
       |   - {name: two, never: {may: read}, always: {may: read, actors: {users: [a]}}}
       |            ^
      help: write exactly one of never, always and at_most
    error[missing-key]: the test has no `name`
      --> rolecall.yml:6:5
       |   - {never: {may: read}}
       |     ^
      help: write name: and what must hold
    error[invalid-test]: `actors` of the test `nobody` names nobody
      --> rolecall.yml:7:27
       |   - {name: nobody, never: {may: read, actors: {}}}
       |                           ^
      help: leave `actors` out where everybody is meant
    error[missing-key]: the test `whom` does not say who always may
      --> rolecall.yml:8:26
       |   - {name: whom, always: {may: read}}
       |                          ^
      help: write actors: {product_roles: [product.role]}
    error[missing-key]: the test `what` does not say what they may
      --> rolecall.yml:9:25
       |   - {name: what, never: {actors: {users: [a]}}}
       |                         ^
      help: write may: read
    error[missing-key]: the test `many` does not say how many people
      --> rolecall.yml:10:27
       |   - {name: many, at_most: {may: read}}
       |                           ^
      help: write people: and the most that may be
    error[invalid-test]: the test `ten` counts people, and is no at_most
      --> rolecall.yml:11:33
       |   - {name: ten, never: {people: ten, may: read}}
       |                                 ^
      help: take `people` out, or write at_most
    error[wrong-type]: `people` must be a whole number, not the text "ten"
      --> rolecall.yml:11:33
       |   - {name: ten, never: {people: ten, may: read}}
       |                                 ^
      help: write people: 10
    error[unknown-permission]: `raed` is no permission
      --> rolecall.yml:12:31
       |   - {name: word, never: {may: raed, environments: [prd], except: {product_roles: [analyst]}}}
       |                               ^
      help: did you mean `read`? known are `read`, `write`, `admin`, `own`, and raw privileges such as SELECT or USAGE
    error[unknown-environment]: there is no environment `prd`
      --> rolecall.yml:12:52
       |   - {name: word, never: {may: raed, environments: [prd], except: {product_roles: [analyst]}}}
       |                                                    ^
      help: known are `dev`
    error[unknown-product-role]: `analyst` does not say of which product
      --> rolecall.yml:12:83
       |   - {name: word, never: {may: raed, environments: [prd], except: {product_roles: [analyst]}}}
       |                                                                                   ^
      help: write product.role, as in finance.analyst
    error[said-twice]: the test `word` is said twice
      --> rolecall.yml:13:12
       |   - {name: word, never: {may: read, actor: {users: [a]}}}
       |            ^
      ::: rolecall.yml:12:12 first said here
       |   - {name: word, never: {may: raed, environments: [prd], except: {product_roles: [analyst]}}}
       |            ^
      help: keep one of the two
    error[unknown-key]: a test's demand has no key `actor`
      --> rolecall.yml:13:37
       |   - {name: word, never: {may: read, actor: {users: [a]}}}
       |                                     ^
      help: did you mean `actors`? known are `people`, `actors`, `except`, `may`, `resources`, `environments`, `may_match_nothing`
    error[wrong-type]: an entry of `tests` must be a map, not the text "reads"
      --> rolecall.yml:14:5
       |   - reads
       |     ^
      help: write - {name: SENTENCE, never: {may: read, …}}
    "#);
}
