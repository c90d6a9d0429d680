//! Random changes of random rows through the code that frames and hashes them, without a server: a million of them under
//! `cargo xtask torture`. What is a change is told by comparing the rows themselves, in any order.

use std::sync::Arc;

use fastrand::Rng;
use fingerprint::{
    Bins, Fingerprint, Form, KeyBins, OrderedKind, RowStream, as_they_are, chunk_end, chunk_start,
    encode_row, scan_chunk_into, wrap_chunk,
};
use testkit::rounds;

type Value = Option<Vec<u8>>;
type Row = Vec<Value>;

/// Changes in one round.
const CHANGES: usize = 1000;
/// A million in all: there is no use in more.
const ROUNDS_MAX: usize = 1000;

/// What a table's text can be mistaken by: quotes, commas, ends of lines, and bytes that lengths are made of.
const BYTES: &[u8] = b"\",\n\r\\.N a0\x01\xff";
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

#[test]
fn no_change_of_a_row_escapes_the_fingerprint() {
    // Fault 35.
    let rounds = rounds(30).min(ROUNDS_MAX);
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let (mut changes, mut none) = (0, 0);
    while changes < rounds * CHANGES {
        let form = if rng.bool() { Form::Text } else { Form::Binary };
        let columns = rng.usize(1..=NAMES.len());
        let rows = random_rows(&mut rng, columns);
        let rule = Arc::new(random_rule(&mut rng, columns));
        let before = fingerprints(&mut rng, form, &rule, columns, &rows);
        for _ in 0..25 {
            let mut mutant = rows.clone();
            change(&mut rng, &mut mutant);
            rng.shuffle(&mut mutant);
            let after = fingerprints(&mut rng, form, &rule, columns, &mutant);
            let is_same = sorted(&rows) == sorted(&mutant);
            let found = (before.0 == after.0, before.1 == after.1);
            assert_eq!(
                found,
                (is_same, is_same),
                "seed {seed}, form {form}, {rule:?}: {rows:?} and {mutant:?}"
            );
            if is_same {
                none += 1;
            } else {
                changes += 1;
            }
        }
    }
    println!("{changes} changes of rows found, {none} that are none not");
    assert!(none > 0, "nothing was ever changed to what it was");
}

fn sorted(rows: &[Row]) -> Vec<&Row> {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort();
    sorted
}

fn random_rows(rng: &mut Rng, columns: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..rng.usize(1..10))
        .map(|_| (0..columns).map(|_| random_value(rng)).collect())
        .collect();
    // Duplicates are what weak sums fall over.
    for _ in 0..rng.usize(0..3) {
        let twin = rows[rng.usize(..rows.len())].clone();
        rows.push(twin);
    }
    rows
}

fn random_value(rng: &mut Rng) -> Value {
    let length = rng.usize(0..5);
    (rng.u8(..6) > 0).then(|| (0..length).map(|_| random_byte(rng)).collect())
}

fn random_byte(rng: &mut Rng) -> u8 {
    BYTES[rng.usize(..BYTES.len())]
}

/// One change as a faulty stage or a stranger could make it; now and then it changes nothing.
fn change(rng: &mut Rng, rows: &mut Vec<Row>) {
    let (one, other) = (rng.usize(..rows.len()), rng.usize(..rows.len()));
    let columns = rows[one].len();
    let (here, there) = (rng.usize(..columns), rng.usize(..columns));
    match rng.u8(..12) {
        0 => rows[one][here] = random_value(rng),
        1 => flip_bit(rng, &mut rows[one][here]),
        2 => {
            let taken = rows[one][here].take();
            rows[one][here] = std::mem::replace(&mut rows[other][here], taken);
        }
        3 => rows[one].swap(here, there),
        4 => {
            let twin = rows[one].clone();
            rows[other] = twin;
        }
        5 => {
            rows.remove(one);
        }
        6 => {
            let twin = rows[one].clone();
            rows.extend([twin.clone(), twin]);
        }
        7 => {
            let twin = rows[one].clone();
            rows.retain(|it| *it != twin);
        }
        8 => move_byte(rows, (one, here), (one, (here + 1) % columns)),
        9 => move_byte(rows, (one, here), (other, here)),
        10 => {
            let value = &mut rows[one][here];
            *value = match value {
                Some(bytes) if bytes.is_empty() => None,
                None | Some(_) => Some(Vec::new()),
            };
        }
        _ => step_apart(rows, (one, here), (other, there)),
    }
}

fn flip_bit(rng: &mut Rng, value: &mut Value) {
    if let Some(bytes) = value
        && !bytes.is_empty()
    {
        let place = rng.usize(..bytes.len());
        bytes[place] ^= 1 << rng.u8(..8);
    }
}

/// The last byte of one value becomes the first one of another.
fn move_byte(rows: &mut [Row], from: (usize, usize), to: (usize, usize)) {
    if let Some(byte) = rows[from.0][from.1].as_mut().and_then(Vec::pop) {
        rows[to.0][to.1].get_or_insert_default().insert(0, byte);
    }
}

/// One value goes up by as much as another one goes down.
fn step_apart(rows: &mut [Row], up: (usize, usize), down: (usize, usize)) {
    for ((row, column), step) in [(up, 1), (down, u8::MAX)] {
        if let Some(last) = rows[row][column].as_mut().and_then(|it| it.last_mut()) {
            *last = last.wrapping_add(step);
        }
    }
}

/// How the rows are told apart, by keys of all kinds; few bins, of which several rows share one.
fn random_rule(rng: &mut Rng, columns: usize) -> KeyBins {
    let key: Vec<usize> = (0..rng.usize(..3)).map(|_| rng.usize(..columns)).collect();
    match rng.u8(..4) {
        0 => KeyBins::whole(key),
        1 => {
            let kinds = [
                OrderedKind::SmallInt,
                OrderedKind::Integer,
                OrderedKind::BigInt,
                OrderedKind::Uuid,
            ];
            let bounds = [0, 1, 0x2c00, 0x0a22_5c00].map(OrderedKind::from_integer);
            KeyBins::ranges(key, kinds[rng.usize(..kinds.len())], bounds.to_vec())
        }
        _ => KeyBins::hashed(key, rng.usize(..9), rng.usize(1..=2)),
    }
}

/// Of the table and of its bins, by both ways to them: a stream that is cut somewhere, and a whole chunk.
fn fingerprints(
    rng: &mut Rng,
    form: Form,
    rule: &Arc<KeyBins>,
    columns: usize,
    rows: &[Row],
) -> (Fingerprint, Vec<Fingerprint>) {
    let mut bytes = Vec::new();
    for row in rows {
        match form {
            Form::Text => encode_row(row.iter().map(Option::as_deref), &mut bytes),
            Form::Binary => encode_binary(row, &mut bytes),
        }
    }
    let names = &NAMES[..columns];
    let (all, bins) = if rng.bool() {
        let chunk = wrap_chunk(form, names.iter().copied(), bytes);
        let mut bins = Bins::new(form, Arc::clone(rule));
        let all = scan_chunk_into(form, names.iter().copied(), &chunk, Some(&mut bins)).unwrap();
        (all, bins)
    } else {
        if form == Form::Binary {
            bytes.splice(0..0, chunk_start(form, []));
            bytes.extend_from_slice(chunk_end(form));
        }
        let (first, second) = bytes.split_at(rng.usize(..=bytes.len()));
        let mut stream = RowStream::binning(form, columns, Some(Arc::clone(rule)));
        stream.push(first, as_they_are).unwrap();
        stream.push(second, as_they_are).unwrap();
        let (all, bins) = stream.end(as_they_are).unwrap();
        (all, bins.unwrap())
    };
    let mut sum = Fingerprint::empty(form);
    bins.sums().iter().for_each(|bin| sum.merge(bin).unwrap());
    assert_eq!(sum, all, "the bins do not add up");
    (all, bins.sums().to_vec())
}

/// As the manual describes it ("COPY", section "Binary Format").
fn encode_binary(row: &Row, bytes: &mut Vec<u8>) {
    bytes.extend(i16::try_from(row.len()).unwrap().to_be_bytes());
    for value in row {
        let length = value.as_ref().map_or(-1, |it| i32::try_from(it.len()).unwrap());
        bytes.extend(length.to_be_bytes());
        bytes.extend(value.iter().flatten());
    }
}
