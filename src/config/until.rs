//! When a member's entry ends.

use super::{Located, MemberEntry};

/// When an entry ends, in seconds since 1970 in UTC: from that second on it admits nobody. `None`
/// where it does not end. A date is inclusive: it ends when the next day begins in UTC.
///
/// An `until` that cannot be read, which a loaded configuration never has, has ended.
pub fn expires(entry: &MemberEntry) -> Option<i64> {
    let Located { value, place: _ } = entry.until.as_ref()?;
    Some(read(value).unwrap_or(i64::MIN))
}

/// Whether an entry has ended at `now`, in seconds since 1970 in UTC.
pub fn has_expired(entry: &MemberEntry, now: i64) -> bool {
    expires(entry).is_some_and(|end| end <= now)
}

/// The second at which a day, written `YYYY-MM-DD`, is over in UTC; `None` for anything else.
pub fn end_of_day(written: &str) -> Option<i64> {
    if written.len() == "YYYY-MM-DD".len() { read(written).ok() } else { None }
}

/// The second at which a day or a moment with its zone is over.
///
/// # Errors
/// What is wrong with it.
pub fn moment(written: &str) -> Result<i64, &'static str> {
    read(written)
}

/// Reads `YYYY-MM-DD` or an RFC 3339 time with its zone into the second at which it is over.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(written: &str) -> Result<i64, &'static str> {
    let mut text = Scan(written.as_bytes());
    let year = i64::from(text.digits(4)?);
    text.one_of(b"-")?;
    let month = text.digits(2)?;
    text.one_of(b"-")?;
    let day = text.digits(2)?;
    if year == 0 || !(1..=12).contains(&month) || day == 0 || day > days_in(year, month) {
        return Err("there is no such day");
    }
    let midnight = days_since_1970(year, month, day) * DAY;
    if text.0.is_empty() {
        return Ok(midnight + DAY);
    }
    text.one_of(b"Tt ")?;
    let hour = text.digits(2)?;
    text.one_of(b":")?;
    let minute = text.digits(2)?;
    if text.0.first() != Some(&b':') {
        return Err(SHAPE);
    }
    text.one_of(b":")?;
    let second = text.digits(2)?;
    if hour > 23 || minute > 59 || second > 60 {
        return Err("there is no such time of day");
    }
    if text.0.first() == Some(&b'.') {
        text.one_of(b".")?;
        text.digits(1)?;
        // A part of a second is dropped: access ends a little early, never late.
        while text.digits(1).is_ok() {}
    }
    if text.0.is_empty() {
        return Err("it has no zone: end it with Z for UTC, or with an offset such as +01:00");
    }
    let sign = text.one_of(b"Zz+-")?;
    let offset = if matches!(sign, b'Z' | b'z') {
        0
    } else {
        let hours = text.digits(2)?;
        text.one_of(b":")?;
        let minutes = text.digits(2)?;
        if hours > 23 || minutes > 59 {
            return Err("there is no such zone");
        }
        let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
        if sign == b'-' { -seconds } else { seconds }
    };
    if !text.0.is_empty() {
        return Err(SHAPE);
    }
    let of_day = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second.min(59));
    Ok(midnight + of_day - offset)
}

const DAY: i64 = 86_400;
const SHAPE: &str = "it is neither a day such as 2027-01-31 nor a moment such as \
                     2027-01-31T18:00:00Z";

struct Scan<'t>(&'t [u8]);

impl Scan<'_> {
    fn digits(&mut self, count: usize) -> Result<u32, &'static str> {
        let (digits, rest) = self.0.split_at_checked(count).ok_or(SHAPE)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(SHAPE);
        }
        self.0 = rest;
        Ok(digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    }

    fn one_of(&mut self, allowed: &[u8]) -> Result<u8, &'static str> {
        match self.0.split_first() {
            Some((byte, rest)) if allowed.contains(byte) => {
                self.0 = rest;
                Ok(*byte)
            }
            _ => Err(SHAPE),
        }
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// In the Gregorian calendar.
fn days_since_1970(year: i64, month: u32, day: u32) -> i64 {
    let before = year - 1;
    let whole_years = before * 365 + before / 4 - before / 100 + before / 400 - 719_162;
    let whole_months: u32 = (1..month).map(|month| days_in(year, month)).sum();
    whole_years + i64::from(whole_months) + i64::from(day) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_over_when_the_next_begins_in_utc() {
        assert_eq!(read("1970-01-01"), Ok(86_400));
        assert_eq!(read("2027-01-31"), Ok(1_801_440_000));
        assert_eq!(read("2024-02-29"), Ok(1_709_251_200));
        assert_eq!(read("0001-01-01"), Ok(-62_135_596_800 + 86_400));
        assert_eq!(read("9999-12-31"), Ok(253_402_300_800));
    }

    #[test]
    fn a_moment_is_over_when_it_comes() {
        assert_eq!(read("2027-01-31T18:00:00Z"), Ok(1_801_353_600 + 18 * 3600));
        assert_eq!(read("2027-01-31t18:00:00.999z"), Ok(1_801_353_600 + 18 * 3600));
        assert_eq!(read("2027-01-31 18:00:00+01:30"), Ok(1_801_353_600 + 18 * 3600 - 5400));
        assert_eq!(read("2027-01-31T18:00:00-05:00"), Ok(1_801_353_600 + 23 * 3600));
        assert_eq!(read("2016-12-31T23:59:60Z"), read("2016-12-31T23:59:59Z"));
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        for bad in [
            "",
            "2027",
            "2027-1-31",
            "31.01.2027",
            "2027-01-31T18:00Z",
            "2027-01-31T18:00:00Z ",
            " 2027-01-31",
            "2027-01-31T",
            "2027-01-31T18:00:00.Z",
            "tomorrow",
            "+2027-01-31",
            "2027-01-31T18:00:00+0100",
            "２０２７-01-31",
            "2027-01-31T18:00:00Zulu",
        ] {
            assert_eq!(read(bad), Err(SHAPE), "{bad:?}");
        }
        for bad in
            ["2027-02-29", "1900-02-29", "2027-13-01", "2027-00-10", "2027-04-31", "0000-01-01"]
        {
            assert_eq!(read(bad), Err("there is no such day"), "{bad:?}");
        }
        insta::assert_snapshot!(read("2027-01-31T18:00:00").unwrap_err(), @"it has no zone: end it with Z for UTC, or with an offset such as +01:00");
        insta::assert_snapshot!(read("2027-01-31T24:00:00Z").unwrap_err(), @"there is no such time of day");
        insta::assert_snapshot!(read("2027-01-31T18:00:00+24:00").unwrap_err(), @"there is no such zone");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,30}") {
            let _ = read(&text);
        }

        #[test]
        fn days_follow_one_another(days in 0i64..3_000_000) {
            // Walks the calendar by another way: from the day number back to the date.
            let z = days + 306; // Days since 0000-03-01, for 0001-01-01 = 0.
            let era = z / 146_097;
            let doe = z % 146_097;
            let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
            let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
            let mp = (5 * doy + 2) / 153;
            let day = doy - (153 * mp + 2) / 5 + 1;
            let month = if mp < 10 { mp + 3 } else { mp - 9 };
            let year = yoe + era * 400 + i64::from(month <= 2);
            proptest::prop_assert_eq!(
                read(&format!("{year:04}-{month:02}-{day:02}")),
                Ok((days - 719_162 + 1) * DAY)
            );
        }
    }
}
