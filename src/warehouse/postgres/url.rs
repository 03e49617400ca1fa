//! A connection's text: what is said about TLS in it, and the rest, which the client library reads.

use std::path::PathBuf;

use super::tls::Wanted;

/// Takes libpq's words about TLS out of a URL or a `key=value` text: the client library knows only
/// some of them.
pub(super) fn split(text: &str) -> Option<(String, Wanted)> {
    let mut wanted = Wanted::default();
    let rest = if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        of_url(text, &mut wanted)?
    } else {
        of_words(text, &mut wanted)?
    };
    Some((rest, wanted))
}

fn take(wanted: &mut Wanted, key: &str, value: &str) -> bool {
    match key {
        "sslmode" => wanted.sslmode = Some(value.to_owned()),
        "sslrootcert" => wanted.sslrootcert = Some(PathBuf::from(value)),
        "sslcert" => wanted.sslcert = Some(PathBuf::from(value)),
        "sslkey" => wanted.sslkey = Some(PathBuf::from(value)),
        _ => return false,
    }
    true
}

fn of_url(url: &str, wanted: &mut Wanted) -> Option<String> {
    // As the client library: up to the first @ it is the user and password, whatever is in it.
    let from = url.find('@').unwrap_or(0);
    let Some(at) = url.get(from..)?.find('?').map(|at| from + at) else {
        return Some(url.to_owned());
    };
    let (base, query) = (url.get(..at)?, url.get(at + 1..)?);
    let mut kept = Vec::new();
    for part in query.split('&') {
        let ours = match part.split_once('=') {
            Some((key, value)) => take(wanted, key, &decoded(value)?),
            None => false,
        };
        if !ours && !part.is_empty() {
            kept.push(part);
        }
    }
    Some(if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) })
}

/// `%2F` and its like as what they stand for.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// `host=h sslmode='require'`, with backslashes before quotes and themselves.
fn of_words(text: &str, wanted: &mut Wanted) -> Option<String> {
    let mut kept = String::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let start = after.trim_start();
        let mut value = String::new();
        let quoted = start.starts_with('\'');
        let mut chars = start.char_indices().skip(usize::from(quoted));
        let mut end = None;
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => value.push(chars.next()?.1),
                '\'' if quoted => {
                    end = Some(at + 1);
                    break;
                }
                c if !quoted && c.is_whitespace() => {
                    end = Some(at);
                    break;
                }
                c => value.push(c),
            }
        }
        if quoted && end.is_none() {
            return None;
        }
        let written = start.get(..end.unwrap_or(start.len()))?;
        if !take(wanted, key.trim(), &value) {
            kept.push_str(&format!("{}={written} ", key.trim()));
        }
        rest = start.get(written.len()..)?.trim_start();
    }
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_about_tls_are_taken_out_and_the_rest_is_left_as_it_is() {
        let show = |text: &str| match split(text) {
            Some((rest, w)) => {
                let path =
                    |path: Option<PathBuf>| path.map_or("-".into(), |p| p.display().to_string());
                let mode = w.sslmode.unwrap_or_else(|| "-".to_owned());
                let paths = [w.sslrootcert, w.sslcert, w.sslkey].map(path).join(" ");
                format!("{} | {mode} {paths}", rest.trim_end())
            }
            None => "cannot be read".to_owned(),
        };
        let shown: Vec<String> = [
            "postgres://u:p@h/d",
            "postgres://u:p?sslmode=disable&x@h/d?sslmode=verify-full&connect_timeout=3",
            "postgresql:///d?sslrootcert=%2Fa%20b%2Fr.crt&sslcert=c&sslkey=k",
            "postgres://h?sslmode=%zz",
            "host=h sslmode = 'verify-ca' password='a b\\'=c' sslkey=k",
            "host=h password='open",
            "host",
            "",
        ]
        .map(show)
        .to_vec();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        postgres://u:p@h/d | - - - -
        postgres://u:p?sslmode=disable&x@h/d?connect_timeout=3 | verify-full - - -
        postgresql:///d | - /a b/r.crt c k
        cannot be read
        host=h password='a b\'=c' | verify-ca - - k
        cannot be read
        cannot be read
         | - - - -
        "#);
    }
}
