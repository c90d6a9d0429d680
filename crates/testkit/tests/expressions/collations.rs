//! Texts that are compared by a collation of their own, and what such a collation is seen through.

/// Columns of each collation, COLLATE, and what stands around both.
pub(crate) const COLLATED: &[&str] = &[
    "coalesce(y, '') = 'ABC'",
    "y || '' = 'ABC'",
    "likely(y) = 'ABC'",
    "CASE WHEN i THEN y END = 'ABC'",
    "CASE WHEN k THEN x COLLATE NOCASE END = 'ABC'",
    "CAST(y AS TEXT) = 'ABC'",
    "+y = 'ABC'",
    "(y) = 'ABC'",
    "x || '' COLLATE NOCASE = 'ABC'",
    "replace(x COLLATE NOCASE, 'b', 'B') = 'ABC'",
    "coalesce(x COLLATE NOCASE, '') = 'ABC'",
    "nullif(y, x COLLATE BINARY)",
    "nullif(x, y)",
    "nullif(y || '', 'ABC')",
    "coalesce(y, x) IN ('ABC', 'É')",
    "CAST(y AS TEXT) IN ('ABC', 'É')",
    "CASE coalesce(y, '') WHEN 'ABC' THEN 1 WHEN 'B' THEN 2 END",
    "max(coalesce(y, ''), 'B')",
    "w = 'ab'",
    "w || '' = 'ab'",
    "w < 'ab '",
    "w <> y",
    "y <> w",
    "w COLLATE NOCASE = 'AB'",
];

/// What the bytes of UTF-16, by which BINARY sorts such a file's texts, could order otherwise.
pub(crate) const ORDERED: &[&str] = &[
    "x < 'b'",
    "'m' >= x",
    "x > coalesce(y, 'a')",
    "x BETWEEN 'A' AND 'a'",
    "x COLLATE NOCASE < y",
    "y < 'b'",
    "max(x, 'b')",
    "min(x, 'b', coalesce(x, ''))",
    "x || 'é' > 'Z'",
    "'ä' < 'z'",
    "x = '日本語'",
    "x IN ('é', '日本語')",
    "d > '2000-01-01'",
    "t || '' > '2'",
];
