//! Names of people, as different systems write them.

/// Whether two names may be one person's: only letters and digits matter, in any case, and nothing of
/// what follows an `@`. To keep people apart from what they gain by: two people of one name are taken
/// for one.
pub fn is_same_person(one: &str, other: &str) -> bool {
    let name = |text: &str| -> String {
        let text: String = text.chars().skip_while(|c| !c.is_alphanumeric()).collect();
        let text = text.split('@').next().unwrap_or_default();
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    match (name(one), name(other)) {
        // Of other signs alone, they are compared as they are.
        (a, b) if a.is_empty() && b.is_empty() => one == other,
        (a, b) => a == b,
    }
}

/// Whether a name is how somebody else writes the same one: in another case, or without what follows an
/// `@`. To know whom a claim means.
pub fn is_name_of(name: &str, person: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim().trim_matches('"').trim_start_matches('@').to_lowercase();
        text.split('@').next().unwrap_or_default().to_owned()
    };
    bare(name) == bare(person)
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
        for other in ["\"Jane\"@acme", "<jane@acme.example>", "ja\u{200b}ne;", "j a-n.e"] {
            assert!(is_same_person("jane", other), "{other}");
            assert!(!is_name_of(other, "jane"), "{other}");
        }
    }
}
