//! Recognizes limits, defaults and units in descriptions.
//!
//! Pages and our documents are in English, the vendor's SDK in Chinese. Statements in other words than the known
//! patterns are not recognized.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// The limits, default and unit in a description.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stated {
    /// Minimum number of characters.
    pub min_length: Option<u64>,
    /// Maximum number of characters.
    pub max_length: Option<u64>,
    /// Minimum value.
    pub minimum: Option<i64>,
    /// Maximum value.
    pub maximum: Option<i64>,
    /// Maximum number of entries.
    pub max_items: Option<u64>,
    /// The printable ASCII characters that a text may contain.
    pub characters: Option<BTreeSet<char>>,
    /// The value that the service assumes if none is sent.
    pub default: Option<String>,
    /// The unit of a quantity, normalized: `ms`, `s`, `min`, `h`, `d`, `B`, `KB`, `MB`, `GB`, `TB`.
    pub unit: Option<&'static str>,
}

/// A number in digits or words.
const NUMBER: &str =
    r"(?:\*\*)?(-?[0-9][0-9,]*|one|two|three|four|five|six|seven|eight|nine|ten|twenty)(?:\*\*)?";

/// A unit in English or Chinese.
const UNIT: &str = r"(milliseconds?|ms|seconds?|minutes?|hours?|days?|bytes?|KiB|KB|MiB|MB|GiB|GB|TiB|TB|毫秒|秒|分钟|小时|天|字节)";

fn regex(pattern: &str) -> Regex {
    let pattern = pattern.replace("NUMBER", NUMBER).replace("UNIT", UNIT);
    #[expect(
        clippy::expect_used,
        reason = "the patterns are constants, each met by a test"
    )]
    Regex::new(&pattern).expect("a pattern of this file")
}

macro_rules! patterns {
    ($($name:ident = $pattern:expr;)*) => {
        $(static $name: LazyLock<Regex> = LazyLock::new(|| regex($pattern));)*
    };
}

patterns! {
    LENGTHS = r"(?i)NUMBER(?: to | and |-|~|～)NUMBER ?(?:characters|个?字符|位字符)|\[NUMBER, ?NUMBER\] ?characters";
    LENGTH_MOST = r"(?i)(?:maximum of|at most|up to|no more than|longer than|not exceed|exceeds?) NUMBER characters|(?:限制为|不超过|最多|最大)NUMBER ?个?字符|[\[(（]NUMBER[,，~-]NUMBER[\])）] ?个?字符";
    LENGTH_EXACT = r"(?i)(?:string of|exactly|contains) NUMBER characters|NUMBER位(?:字符|小写)";
    RANGE = r"(?i)NUMBER(?: \([^)]*\)) to NUMBER|(?:ranges? (?:is )?(?:from )?|between |value range[^.]{0,20}?)[\[(]?NUMBER(?: to | and |, ?|-|~)NUMBER[\])]?|(?:范围[^。]{0,8}?|取值为?|\*\*：)[\[(（]?NUMBER ?[-~～,，到至] ?NUMBER";
    MOST = r"(?i)(?:maximum (?:value |size )?(?:is|of)|at most|no more than|up to|最大(?:值)?为?) ?NUMBER";
    LEAST = r"(?i)(?:minimum (?:value )?(?:is|of)|at least|smallest (?:value )?is|最小(?:值)?为?|不得小于) ?NUMBER";
    DEFAULT = r#"(?i)(?:default(?: value)?(?: is|:| of)|defaults? to|默认取值\*\*[：:]|默认值?[为是：:]|缺省值?为) ?["“]?[*`]{0,2}([A-Za-z0-9_./-]*[A-Za-z0-9_/-])[*`]{0,2}["”]?( or | for | [KMG]B | on | in |[^\x00-\x7F。，,]|)"#;
    DEFAULT_BEFORE = r"(?i)[*`]{2}([A-Za-z0-9_-]+)[*`]{2} (?:\(default\)|is used by default|by default|is the default)|`([A-Za-z0-9_-]+)` (?:is the default|by default)|`?([A-Za-z0-9_-]+)`? is assumed|counts as `?([A-Za-z0-9_-]+)|`([A-Za-z0-9_-]+)` when left out";
    UNIT_IN = r"(?i)(?:\b(?:in|unit:|unit is|accurate to(?: the)?|utc|unix)\s|单位[：:为是]{0,2}\s?|\bin utc )\**UNIT";
    UNIT_BEHIND = r"(?i)[0-9] ?UNIT\b";
    UNIT_ANY = r"(?i)\bUNIT\b";
    ALLOWED = r"(?i)(?:including|containing|contains?|consist(?:s|ing)? (?:only )?of|may contain|can contain) (?:only )?((?:uppercase |lowercase |Chinese |English )?(?:letters|digits|characters)(?:[^:.()]|\([^)]*\))*)";
    FORBIDDEN = r"(?i)(?:cannot|must not|may not) contain (?:any of )?(?:the following )?(?:special )?characters:? ?([^A-Za-z0-9\n]+)";
    SPECIAL = r"\((.|\\.)\)";
}

fn number(text: &str) -> Option<i64> {
    const WORDS: [&str; 10] = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    ];
    let lower = text.to_lowercase();
    if let Some(index) = WORDS.iter().position(|word| *word == lower) {
        return i64::try_from(index + 1).ok();
    }
    if lower == "twenty" {
        return Some(20);
    }
    text.replace(',', "").parse().ok()
}

/// The numbers in the groups of a match, in order.
fn numbers(captures: &Captures<'_>) -> Vec<i64> {
    let groups = captures.iter().skip(1).flatten();
    groups.filter_map(|group| number(group.as_str())).collect()
}

fn count(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}

fn unit(word: &str) -> Option<&'static str> {
    let lower = word.to_lowercase();
    Some(match lower.trim_end_matches('s') {
        "m" | "millisecond" | "毫秒" => "ms",
        "second" | "秒" => "s",
        "minute" | "分钟" => "min",
        "hour" | "小时" => "h",
        "day" | "天" => "d",
        "byte" | "字节" => "B",
        "kb" | "kib" => "KB",
        "mb" | "mib" => "MB",
        "gb" | "gib" => "GB",
        "tb" | "tib" => "TB",
        _ => return None,
    })
}

/// The unit that a text states explicitly, otherwise the first that it mentions.
fn unit_of(text: &str) -> Option<&'static str> {
    if text.contains("13-digit timestamp") {
        return Some("ms");
    }
    [&UNIT_IN, &UNIT_BEHIND, &UNIT_ANY]
        .into_iter()
        .find_map(|pattern| unit(pattern.captures(text)?.get(1)?.as_str()))
}

fn default_of(text: &str) -> Option<String> {
    if let Some(captures) = DEFAULT.captures(text) {
        let value = captures.get(1)?.as_str();
        let is_conditional = captures
            .get(2)
            .is_some_and(|rest| !rest.as_str().is_empty());
        const NO_VALUES: [&str; 9] = [
            "all", "left", "the", "blank", "empty", "a", "none", "no", "not",
        ];
        let is_value = !NO_VALUES.contains(&value.to_lowercase().as_str());
        return (is_value && !is_conditional).then(|| value.replace(',', ""));
    }
    let captures = DEFAULT_BEFORE.captures(text)?;
    let value = captures.iter().skip(1).flatten().next()?;
    Some(value.as_str().to_owned())
}

fn printable() -> impl Iterator<Item = char> {
    (' '..='~').filter(char::is_ascii)
}

fn characters_of(text: &str) -> Option<BTreeSet<char>> {
    if let Some(captures) = FORBIDDEN.captures(text) {
        let forbidden = captures.get(1)?.as_str().trim_end();
        let forbidden = forbidden.strip_suffix('.').unwrap_or(forbidden);
        return Some(
            printable()
                .filter(|c| *c == ' ' || !forbidden.contains(*c))
                .collect(),
        );
    }
    let captures = ALLOWED.captures(text)?;
    let list = captures.get(1)?.as_str().to_lowercase();
    let lower = list.contains("lowercase letters");
    let upper = list.contains("uppercase letters");
    let any = list.contains("letters") && !lower && !upper;
    if !list.contains("letters") && !list.contains("digits") {
        return None;
    }
    let special: Vec<char> = SPECIAL
        .captures_iter(&list)
        .filter_map(|captures| captures.get(1)?.as_str().chars().last())
        .collect();
    let is_allowed = |c: &char| match c {
        'a'..='z' => lower || any,
        'A'..='Z' => upper || any,
        '0'..='9' => list.contains("digits"),
        c => special.contains(c),
    };
    Some(printable().filter(is_allowed).collect())
}

/// Whether a text contains this number, with or without thousands separators.
pub fn mentions(text: &str, number: i64) -> bool {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == ',' || c == '-'));
    words
        .map(|word| word.trim_end_matches([',', '-']).replace(',', ""))
        .any(|word| word.parse() == Ok(number))
}

/// The printable ASCII characters that a regular expression matches, alone or repeated `length` times.
pub fn characters_of_pattern(pattern: &str, length: u64) -> Option<BTreeSet<char>> {
    let pattern = Regex::new(pattern).ok()?;
    let length = usize::try_from(length.clamp(1, 4096)).ok()?;
    let taken = printable().filter(|c| pattern.is_match(&c.to_string().repeat(length)));
    Some(taken.collect())
}

/// Reads limits, default and unit from a description. `is_list` says whether it describes a list.
pub fn stated(description: &str, is_list: bool) -> Stated {
    let mut stated = Stated {
        default: default_of(description),
        unit: unit_of(description),
        characters: characters_of(description),
        ..Stated::default()
    };
    if let Some(captures) = LENGTHS.captures(description)
        && let [least, most] = numbers(&captures)[..]
    {
        stated.min_length = count(least);
        stated.max_length = count(most);
    } else if let Some(captures) = LENGTH_MOST.captures(description) {
        match numbers(&captures)[..] {
            [most] => stated.max_length = count(most),
            [least, most] => {
                stated.min_length = count(least);
                stated.max_length = count(most);
            }
            _ => {}
        }
    } else if let Some(captures) = LENGTH_EXACT.captures(description)
        && let [exact] = numbers(&captures)[..]
    {
        stated.min_length = count(exact);
        stated.max_length = count(exact);
    } else if is_list {
        let most = MOST
            .captures(description)
            .map(|captures| numbers(&captures));
        stated.max_items = most.and_then(|most| count(*most.first()?));
    } else {
        if let Some(captures) = RANGE.captures(description)
            && let [least, most] = numbers(&captures)[..]
        {
            stated.minimum = Some(least);
            stated.maximum = Some(most);
        }
        let first = |pattern: &Regex| numbers(&pattern.captures(description)?).first().copied();
        stated.maximum = stated.maximum.or_else(|| first(&MOST));
        stated.minimum = stated.minimum.or_else(|| first(&LEAST));
    }
    stated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Stated {
        stated(text, false)
    }

    #[test]
    fn lengths_are_read() {
        let lengths = |text| {
            let stated = of(text);
            (stated.min_length, stated.max_length)
        };
        assert_eq!(
            lengths("It has a maximum of 512 characters."),
            (None, Some(512))
        );
        assert_eq!(lengths("At most 1,024 characters."), (None, Some(1024)));
        assert_eq!(
            lengths("It consists of 0 to 256 characters."),
            (Some(0), Some(256))
        );
        assert_eq!(
            lengths("A string of [0, 256] characters."),
            (Some(0), Some(256))
        );
        assert_eq!(
            lengths("A string of 32 characters of digits."),
            (Some(32), Some(32))
        );
        assert_eq!(lengths("长度限制为128个字符"), (None, Some(128)));
        assert_eq!(lengths("Any length."), (None, None));
    }

    #[test]
    fn ranges_are_read() {
        let range = |text| {
            let stated = of(text);
            (stated.minimum, stated.maximum)
        };
        assert_eq!(
            range("The value ranges from 3,600 to 86,400."),
            (Some(3600), Some(86400))
        );
        assert_eq!(
            range("The value ranges from **1** to **50**."),
            (Some(1), Some(50))
        );
        assert_eq!(range("The maximum value is 4096 GB."), (None, Some(4096)));
        assert_eq!(range("The minimum value is **1**."), (Some(1), None));
        assert_eq!(
            range("**取值范围**：3600000-259200000。"),
            (Some(3_600_000), Some(259_200_000))
        );
        assert_eq!(
            stated("A maximum of five addresses.", true).max_items,
            Some(5)
        );
    }

    #[test]
    fn defaults_are_read_unless_they_depend() {
        let default = |text| of(text).default;
        assert_eq!(
            default("The default value is **true**."),
            Some("true".to_owned())
        );
        assert_eq!(
            default("Sort order. Defaults to `name`."),
            Some("name".to_owned())
        );
        assert_eq!(
            default("**SCRIPT** (default): a path."),
            Some("SCRIPT".to_owned())
        );
        assert_eq!(
            default("Which defaults to **CUSTOMIZE**."),
            Some("CUSTOMIZE".to_owned())
        );
        assert_eq!(
            default("**默认取值**：NOTEBOOK。"),
            Some("NOTEBOOK".to_owned())
        );
        assert_eq!(default("**默认取值**：不涉及。"), None);
        assert_eq!(default("The default value is 5 GB for EVS."), None);
        assert_eq!(default("The default value is **CPU** or **GPU**."), None);
        assert_eq!(default("By default, all types are returned."), None);
    }

    #[test]
    fn units_have_one_spelling() {
        let unit = |text| of(text).unit;
        assert_eq!(unit("Duration, in seconds"), Some("s"));
        assert_eq!(unit("Duration. Unit: ms."), Some("ms"));
        assert_eq!(unit("Time, accurate to millisecond"), Some("ms"));
        assert_eq!(unit("The value is a 13-digit timestamp."), Some("ms"));
        assert_eq!(unit("At most 4,096 GB."), Some("GB"));
        assert_eq!(unit("运行时长。单位：毫秒。"), Some("ms"));
        assert_eq!(unit("The name."), None);
    }

    #[test]
    fn characters_of_texts_and_patterns_compare() {
        let listed =
            of("128 characters, including letters, digits, hyphens (-), and underscores (_).");
        assert_eq!(
            listed.characters,
            characters_of_pattern("^[A-Za-z0-9_-]*$", 1)
        );
        let lower = of("consisting of lowercase letters and digits.");
        assert_eq!(
            lower.characters,
            characters_of_pattern("^[a-z0-9]{32}$", 32)
        );
        let forbidden = of("It cannot contain the following special characters: &<>\"'/.");
        assert_eq!(
            forbidden.characters,
            characters_of_pattern("^[^&<>\"'/]*$", 1)
        );
    }
}
