//! Every type with pairs of values that are as near to each other as it allows.

/// What the types of the cases need, in the source.
pub(crate) const TYPES: &str = "
CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION hstore SCHEMA public; CREATE EXTENSION ltree SCHEMA public;
CREATE TYPE mood AS ENUM ('calm', 'cross', '');
CREATE TYPE pair AS (a int, gone text, b text, m mood);
ALTER TYPE pair DROP ATTRIBUTE gone;
CREATE TYPE nest AS (pairs pair[], one pair);
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE DOMAIN smaller AS small CHECK (VALUE < 10);
CREATE DOMAIN smalls AS smaller[] CHECK (cardinality(VALUE) < 5);
CREATE TYPE floats AS RANGE (subtype = float8);";

/// A type, and pairs of values of it that are not the same.
pub(crate) struct Case {
    pub(crate) holds: &'static str,
    pub(crate) pairs: &'static [(&'static str, &'static str)],
}

const fn case(holds: &'static str, pairs: &'static [(&'static str, &'static str)]) -> Case {
    Case { holds, pairs }
}

// Faults 35 to 39.
pub(crate) const CASES: &[Case] = &[
    case(
        "text",
        &[
            ("a", "b"),
            ("Case", "case"),
            ("blank", "blank "),
            ("", " "),
            ("NULL", "null"),
            (r"\N", r"\n"),
            (r"\.", r"\. "),
            ("tab\t", "tab "),
            ("line\r\n", "line\n"),
            ("a\n\n", "a\n"),
            ("a,b", "a;b"),
            ("\"quoted\"", "quoted"),
            ("1.0", "1.00"),
            ("composed \u{e9}", "composed e\u{301}"),
            ("zero width", "zero\u{200b} width"),
            ("no break", "no\u{a0}break"),
        ],
    ),
    case("varchar(40)", &[("a", "a "), ("", "NULL")]),
    case("char(9)", &[("a", "A"), ("e", "\u{e9}")]),
    case("name", &[("a", "A")]),
    case("\"char\"", &[("a", "b")]),
    case("citext", &[("MiXeD", "mixed"), ("e", "\u{e9}"), ("", " ")]),
    case("citext[]", &[("{A}", "{a}")]),
    case(
        "bytea",
        &[(r"\x00", r"\x01"), (r"\xff00fe", r"\xff00ff"), (r"\x", r"\x00")],
    ),
    case("bool", &[("t", "f")]),
    case("int2", &[("0", "1"), ("-32768", "-32767")]),
    case("int4", &[("2147483647", "2147483646"), ("-1", "1")]),
    case("int8", &[("9223372036854775807", "9223372036854775806")]),
    case("oid", &[("4294967295", "4294967294")]),
    case(
        "float8",
        &[
            ("0", "-0"),
            ("0.1", "0.10000000000000002"),
            ("5e-324", "1e-323"),
            ("Infinity", "1.7976931348623157e308"),
            ("NaN", "-Infinity"),
        ],
    ),
    case(
        "float4",
        &[("0", "-0"), ("0.1", "0.10000001"), ("1e-45", "3e-45")],
    ),
    case(
        "numeric",
        &[
            ("1.0", "1.00"),
            ("0", "0.000"),
            ("NaN", "0"),
            ("1e400", "1e401"),
            (
                "123456789012345678901234567890.12345",
                "123456789012345678901234567890.12346",
            ),
        ],
    ),
    case("numeric(20,4)", &[("1.0001", "1.0002"), ("-1", "1")]),
    case(
        "money",
        &[
            ("0.00", "0.01"),
            ("-92233720368547758.08", "92233720368547758.07"),
        ],
    ),
    case(
        "date",
        &[
            ("2024-02-29", "2024-03-01"),
            ("infinity", "5874897-12-31"),
            ("0001-12-31 BC", "0001-12-31"),
        ],
    ),
    case(
        "time",
        &[
            ("23:59:59.999999", "24:00:00"),
            ("00:00:00", "24:00:00"),
            ("00:00:00", "00:00:00.000001"),
        ],
    ),
    case(
        "timetz",
        &[
            ("12:00:00+00", "13:00:00+01"),
            ("12:00:00+01:02:03", "12:00:00+01:02:04"),
            ("24:00:00+00", "00:00:00+00"),
        ],
    ),
    case(
        "timestamp",
        &[
            ("2024-01-01 00:00:00", "2024-01-01 00:00:00.000001"),
            ("infinity", "-infinity"),
        ],
    ),
    case(
        "timestamptz",
        &[
            ("1883-11-18 12:03:58-04:56:02", "1883-11-18 12:03:58-04:56:03"),
            ("0044-03-15 12:00:00+00 BC", "0044-03-15 12:00:00+00"),
            ("294276-12-31 23:59:59.999999+00", "infinity"),
        ],
    ),
    case(
        "interval",
        &[
            ("24:00:00", "1 day"),
            ("1 mon", "30 days"),
            ("12 mons", "360 days"),
            ("1 day -24:00:00", "0"),
            ("-00:00:00.000001", "0"),
        ],
    ),
    case(
        "uuid",
        &[(
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a10",
        )],
    ),
    case(
        "json",
        &[
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
            (r#"{"a":1}"#, r#"{"a": 1}"#),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
            (r#""é""#, r#""\u00e9""#),
            ("1e0", "1"),
        ],
    ),
    case(
        "jsonb",
        &[
            (r#"{"a":1.0}"#, r#"{"a":1.00}"#),
            (r#"{"a":null}"#, "{}"),
            ("null", "\"null\""),
            ("[1]", "[[1]]"),
        ],
    ),
    case("jsonb[]", &[("{null}", "{NULL,1}"), (r#"{"1"}"#, r#"{"\"1\""}"#)]),
    case("jsonpath", &[("$.\"a\"", "$.\"A\"")]),
    case(
        "xml",
        &[
            ("<a/>", "<a></a>"),
            ("<a b=\"1\"/>", "<a b='1'/>"),
            ("a &amp; b", "a &#38; b"),
        ],
    ),
    case(
        "tsvector",
        &[("'a':1", "'a':2"), ("'a':1A", "'a':1B"), ("'a':1", "'a'")],
    ),
    case(
        "tsquery",
        &[
            ("'a' & 'b'", "'a' | 'b'"),
            ("'a':*", "'a'"),
            ("'a' <-> 'b'", "'a' <2> 'b'"),
        ],
    ),
    case("bit(5)", &[("00000", "00001")]),
    case("varbit", &[("0", "00"), ("", "0")]),
    case(
        "inet",
        &[
            ("192.168.0.1/24", "192.168.0.1/25"),
            ("10.0.0.1", "10.0.0.1/31"),
            ("10.0.0.1", "::ffff:10.0.0.1"),
        ],
    ),
    case("cidr", &[("10.0.0.0/8", "10.0.0.0/9")]),
    case("macaddr", &[("08:00:2b:01:02:03", "08:00:2b:01:02:04")]),
    case(
        "macaddr8",
        &[("08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03:04:06")],
    ),
    case("pg_lsn", &[("0/0", "0/1")]),
    case("xid", &[("3", "4")]),
    case("xid8", &[("18446744073709551615", "18446744073709551614")]),
    case("tid", &[("(0,1)", "(1,1)")]),
    case("pg_snapshot", &[("10:20:10,14", "10:20:10,15")]),
    case("int2vector", &[("1 2", "1 3")]),
    case("oidvector", &[("0 4294967295", "0 4294967294")]),
    case("refcursor", &[("a", "A")]),
    case(
        "point",
        &[
            ("(0,0)", "(-0,0)"),
            ("(0.1,0)", "(0.10000000000000002,0)"),
            ("(NaN,0)", "(Infinity,0)"),
        ],
    ),
    case("line", &[("{1,-1,0}", "{1,-1,0.1}")]),
    case("lseg", &[("[(0,0),(1,1)]", "[(1,1),(0,0)]")]),
    case("box", &[("(1,1),(0,0)", "(1,1),(-0,0)")]),
    case("path", &[("[(0,0),(1,1)]", "((0,0),(1,1))")]),
    case("polygon", &[("((0,0),(1,1),(2,0))", "((1,1),(2,0),(0,0))")]),
    case("circle", &[("<(0,0),1>", "<(0,0),1.0000000000000002>")]),
    case(
        "hstore",
        &[
            (r#""a"=>NULL"#, r#""a"=>"NULL""#),
            (r#""a"=>"""#, ""),
            (r#""a"=>"b""#, r#""A"=>"b""#),
        ],
    ),
    case("ltree", &[("a.b", "a.B"), ("", "a")]),
    case("lquery", &[("a.*", "a.*{1}")]),
    case(
        "int4[]",
        &[
            ("{1,2}", "{1,3}"),
            ("{1,2}", "[0:1]={1,2}"),
            ("{{1,2}}", "{{1},{2}}"),
            ("{1,NULL}", "{1}"),
            ("{}", "{NULL}"),
        ],
    ),
    case(
        "text[]",
        &[
            ("{NULL}", r#"{"NULL"}"#),
            (r#"{""}"#, "{}"),
            ("{a}", "{A}"),
            (r#"{"a,b"}"#, "{a,b}"),
        ],
    ),
    case("numeric[]", &[("{1.0}", "{1.00}"), ("[2:2]={1}", "[3:3]={1}")]),
    case("float8[]", &[("{0}", "{-0}")]),
    case("bytea[]", &[(r#"{"\\x00"}"#, r#"{"\\x01"}"#)]),
    case("interval[]", &[("{24:00:00}", r#"{"1 day"}"#)]),
    case("mood", &[("calm", "cross"), ("", "calm")]),
    case("mood[]", &[("{calm,cross}", "{cross,calm}"), (r#"{""}"#, "{}")]),
    case(
        "pair",
        &[
            ("(1,x,calm)", "(1,X,calm)"),
            ("(1,,calm)", r#"(1,"",calm)"#),
            ("(,,)", "(0,,)"),
        ],
    ),
    case(
        "pair[]",
        &[
            (r#"{"(1,x,calm)"}"#, r#"{"(1,x,cross)"}"#),
            (r#"{"(,,)"}"#, "{NULL}"),
        ],
    ),
    case("nest", &[(r#"({},"(1,x,calm)")"#, r#"(,"(1,x,calm)")"#)]),
    case("smaller", &[("1", "2")]),
    case("smalls", &[("{1,2}", "{2,1}")]),
    case(
        "int4range",
        &[("[1,5)", "[1,6)"), ("empty", "[0,1)"), ("[1,)", "[1,2147483647)")],
    ),
    case(
        "numrange",
        &[
            ("[1,2)", "[1,2]"),
            ("(1,2)", "[1,2)"),
            ("[1.0,2)", "[1.00,2)"),
            ("empty", "(,)"),
        ],
    ),
    case("daterange", &[("[2024-01-01,)", "[2024-01-01,infinity)")]),
    case("tsrange", &[("[2024-01-01 00:00,)", "(2024-01-01 00:00,)")]),
    case(
        "tstzrange",
        &[("[2024-01-01 00:00+00,)", "[2024-01-01 00:00:00.000001+00,)")],
    ),
    case("floats", &[("[-0,1)", "[0,1)")]),
    case("floats[]", &[(r#"{"[-0,1)"}"#, r#"{"[0,1)"}"#)]),
    case("int4multirange", &[("{[1,2)}", "{[1,2),[3,4)}"), ("{}", "{(,)}")]),
];
