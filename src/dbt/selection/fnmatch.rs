//! Wildcards as Python's `fnmatch` knows them, which dbt matches names with.

/// Whether `name` matches `pattern`: `*` any run, `?` one character, `[abc]`, `[a-z]` and
/// `[!abc]` one of a set. Case counts, as it does for dbt on Linux and macOS. A `[` without its
/// `]` stands for itself.
pub fn fnmatch(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let pattern = compile(pattern);
    // Backtracking to the last star alone is enough, and keeps the time bounded by the product of
    // both lengths.
    let (mut at, mut token, mut star) = (0, 0, None);
    while at < name.len() {
        match pattern.get(token) {
            Some(Token::Star) => {
                star = Some((token, at));
                token += 1;
            }
            Some(one) if one.matches(name[at]) => {
                at += 1;
                token += 1;
            }
            _ => {
                let Some((star_token, star_at)) = star else { return false };
                star = Some((star_token, star_at + 1));
                at = star_at + 1;
                token = star_token + 1;
            }
        }
    }
    pattern[token..].iter().all(|token| matches!(token, Token::Star))
}

enum Token {
    Star,
    Any,
    Is(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl Token {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Star => false,
            Self::Any => true,
            Self::Is(own) => *own == c,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

fn compile(pattern: &str) -> Vec<Token> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '*' => tokens.push(Token::Star),
            '?' => tokens.push(Token::Any),
            '[' => {
                if let Some((set, end)) = set(&chars, at + 1) {
                    tokens.push(set);
                    at = end;
                } else {
                    tokens.push(Token::Is('['));
                }
            }
            c => tokens.push(Token::Is(c)),
        }
        at += 1;
    }
    tokens
}

/// The set that starts after a `[`, and where its `]` is.
fn set(chars: &[char], start: usize) -> Option<(Token, usize)> {
    let negated = chars.get(start) == Some(&'!');
    let first = start + usize::from(negated);
    // A `]` that comes first is a member.
    let search_from = first + usize::from(chars.get(first) == Some(&']'));
    let end = search_from + chars.get(search_from..)?.iter().position(|c| *c == ']')?;
    let members = &chars[first..end];
    let (mut ranges, mut at) = (Vec::new(), 0);
    while at < members.len() {
        // A hyphen between two characters is a range; an empty range (z-a) has no members.
        if at + 2 < members.len() && members[at + 1] == '-' {
            ranges.push((members[at], members[at + 2]));
            at += 3;
        } else {
            ranges.push((members[at], members[at]));
            at += 1;
        }
    }
    Some((Token::Set { negated, ranges }, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_python_matches_them() {
        for (name, pattern, expected) in [
            ("fct_orders", "fct_*", true),
            ("fct_orders", "*_orders", true),
            ("fct_orders", "f?t_orders", true),
            ("fct_orders", "FCT_*", false),
            ("ab", "a[!b]", false),
            ("ac", "a[!b]", true),
            ("a]", "a[]]", true),
            ("a[", "a[", true),
            ("a-", "a[b-]", true),
            ("ac", "a[b-d]", true),
            ("ac", "a[d-b]", false),
            ("", "*", true),
            ("", "", true),
            ("x", "", false),
            ("aXbXc", "a*b*c", true),
            ("é", "?", true),
            ("a.b.c", "a*c", true),
            ("a^", "a[^b]", true),
        ] {
            assert_eq!(fnmatch(name, pattern), expected, "{name} {pattern}");
        }
    }
}
