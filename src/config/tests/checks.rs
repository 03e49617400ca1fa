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
  - reads"), @"");
}
