//! Names of people, as different systems write them.

/// Whether two names may be one person's: case does not matter, nor what follows an `@`. On the safe
/// side: two people of one name are taken for one.
pub fn is_same_person(one: &str, other: &str) -> bool {
    fn name(text: &str) -> String {
        let text = text.trim().trim_matches('"').trim_start_matches('@').to_lowercase();
        text.split('@').next().unwrap_or_default().to_owned()
    }
    name(one) == name(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_quotes_and_domains_make_no_other_person() {
        for other in ["jane", "JANE", "\"Jane\"", "@jane", "Jane@acme.example", " jane "] {
            assert!(is_same_person("jane@other.example", other), "{other}");
        }
        for other in ["jan", "jane.doe", "", "李雷"] {
            assert!(!is_same_person("jane", other), "{other}");
        }
        assert!(is_same_person("李雷", "李雷@acme.example"));
    }
}
