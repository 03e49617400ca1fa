//! What a CODEOWNERS file says of one path: whether the owners' line decides.

/// Where forges look for the file, from the repository's root.
pub const PLACES: [&str; 5] = [
    ".github/CODEOWNERS",
    ".gitlab/CODEOWNERS",
    "CODEOWNERS",
    "docs/CODEOWNERS",
    ".gitea/CODEOWNERS",
];

/// Whether `line`, a pattern and its owners, stands in the text, and no later line may take the path
/// from them. On the safe side: a later line that cannot be told not to match is taken to match.
pub fn holds(text: &str, line: &str, path: &str) -> bool {
    let words = |line: &str| -> Vec<String> {
        line.split(" #").next().unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let wanted = words(line);
    let mut holds = false;
    let mut optional = false;
    for read in text.lines().map(str::trim) {
        if read.is_empty() || read.starts_with('#') {
            continue;
        }
        // GitLab's sections: what stands in an optional one is advice.
        if read.starts_with('[') || read.starts_with("^[") {
            optional = read.starts_with('^');
            continue;
        }
        let read = words(read);
        if read == wanted && !wanted.is_empty() {
            holds = !optional;
        } else if holds && read.first().is_some_and(|pattern| may_match(pattern, path)) {
            holds = false;
        }
    }
    holds
}

/// Whether a pattern may match a path that begins at the root, without a slash before it.
fn may_match(pattern: &str, path: &str) -> bool {
    let wild = |c: char| matches!(c, '*' | '?' | '[' | ']' | '\\' | '!');
    let inner = pattern.trim_end_matches('/');
    let anchored = inner.contains('/');
    let body = inner.strip_prefix('/').unwrap_or(inner);
    let literal = body.split(wild).next().unwrap_or_default();
    let is_literal = literal == body;
    if anchored {
        return if is_literal {
            path == body || path.strip_prefix(body).is_some_and(|rest| rest.starts_with('/'))
        } else {
            path.starts_with(literal)
        };
    }
    if is_literal {
        return path.split('/').any(|part| part == body);
    }
    // `*.sql` and its like.
    match body.strip_prefix('*') {
        Some(end) if !end.contains(wild) => path.split('/').any(|part| part.ends_with(end)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "/rolecall/members/sales.* jane@acme.example";
    const PATH: &str = "rolecall/members/sales.yml";

    #[test]
    fn the_last_line_that_may_match_decides() {
        let file = |lines: &str| holds(lines, LINE, PATH);
        assert!(file(LINE));
        assert!(file(&format!("* @all\n/rolecall/ @p\n  {LINE}   # owners\n")));
        for harmless in [
            "/models/ @de",
            "/rolecall/members/finance.* x@y.z",
            "*.sql @de",
            "docs/ @de",
            "/docs/** @de",
            "# * @all",
            "README.md @a",
            "/rolecall/members/sales @a",
        ] {
            assert!(file(&format!("{LINE}\n{harmless}\n")), "{harmless}");
        }
        for taking in [
            "* @all",
            "/rolecall/ @p",
            "/rolecall/members/ @p",
            "rolecall @p",
            "members/",
            "*.yml @p",
            "/rolecall/members/*.yml @p",
            "**/sales.yml @p",
            "/rolecall/members/sales.*",
            "/rolecall/members/sales.yml @p",
            "sales.yml @p",
            "s*.yml @p",
        ] {
            assert!(!file(&format!("{LINE}\n{taking}\n")), "{taking}");
            assert!(file(&format!("{taking}\n{LINE}\n")), "{taking}");
        }
        for no in [
            "",
            "/rolecall/members/sales.* kim@acme.example",
            "^[Advice]\n/rolecall/members/sales.* jane@acme.example",
            "# /rolecall/members/sales.* jane@acme.example",
            "/rolecall/members/sales.* jane@acme.example kim@acme.example",
        ] {
            assert!(!file(no), "{no}");
        }
        assert!(!holds("", "", PATH));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "(?s).{0,200}") {
            let _ = holds(&text, LINE, PATH);
        }
    }
}
