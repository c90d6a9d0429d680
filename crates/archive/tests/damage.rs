//! Every way in which an archive can be damaged, cut or forged must be noticed by the reader.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeMap;

use archive::{
    Codec, End, ErrorKind, Header, Reader, Result, SchemaMember, SourceIdentity, SourceKind, TableForm,
    TarSink, TarStore, Writer, compress, decompress,
};
use catalog::{Catalog, LargeObject, Schema, Table, TableKind, large_objects_table};
use fingerprint::{Fingerprint, Form, scan_chunk, wrap_chunk};
use plan::Mapping;
use proptest::prelude::*;

const RUN: &str = "018f0000-0000-7000-8000-000000000001";
const NAMES: [&str; 2] = ["id", "note"];

fn table(number: u32, name: &str) -> Table {
    Table {
        number,
        schema: "public".into(),
        name: name.into(),
        kind: TableKind::Ordinary,
        unlogged: false,
        columns: Vec::new(),
        primary_key: Vec::new(),
        partition_of: None,
        partition_key: None,
        through_root: None,
        inherits: Vec::new(),
        rows_estimate: None,
        bytes: 0,
        extension: None,
        index_bytes: None,
        origin: None,
        condition: None,
        merged: None,
        part: None,
        changes: None,
    }
}

fn header(run: &str) -> Header {
    let catalog = Catalog {
        schemas: vec![Schema {
            name: "public".into(),
            comment: None,
        }],
        tables: vec![table(0, "users"), table(1, "notes")],
        ..Catalog::default()
    };
    Header {
        format: 1,
        requires: Vec::new(),
        run: run.into(),
        tool: "dump 0.1.0".into(),
        source: SourceIdentity {
            kind: SourceKind::PostgreSql,
            database: "shop".into(),
            server_version: "15.8".into(),
            encoding: "UTF8".into(),
            collation: "c:C.UTF-8".into(),
            snapshot_time: "2024-02-29T12:00:00Z".into(),
            lsn: "0/1".into(),
        },
        options: BTreeMap::new(),
        filters: Vec::new(),
        row_filters: Vec::new(),
        discards: Vec::new(),
        content: archive::Content::Whole,
        forms: [0, 1]
            .map(|table| TableForm {
                table,
                form: Form::Text,
            })
            .to_vec(),
        catalog,
        mappings: Vec::new(),
        conversions: Vec::new(),
        merged_from: Vec::new(),
        notes: Vec::new(),
    }
}

/// Three chunks of two tables, one of them compressed.
fn archive(run: &str) -> Vec<u8> {
    let mut writer = Writer::new(TarSink::new(Vec::new()), &header(run)).unwrap();
    writer
        .schema(
            SchemaMember::PreData,
            "CREATE TABLE public.users (id integer, note text);\n",
        )
        .unwrap();
    writer.schema(SchemaMember::PostData, "-- nothing\n").unwrap();
    let chunks = [
        (0, "1,a\n", Codec::None),
        (1, "2,\"\"\n", Codec::Gzip(2)),
        (0, "3,\n", Codec::Zstd(1)),
    ];
    for (table, rows, codec) in chunks {
        let chunk = wrap_chunk(Form::Text, NAMES, rows.as_bytes().to_vec());
        let fingerprint = scan_chunk(Form::Text, NAMES, &chunk).unwrap();
        let raw = chunk.len() as u64;
        writer
            .chunk(table, codec, raw, &compress(codec, chunk).unwrap(), &fingerprint)
            .unwrap();
    }
    writer.finish().unwrap().0
}

fn read(bytes: &[u8]) -> Result<End> {
    let mut reader = Reader::new(TarStore::new(bytes))?;
    reader.schema()?;
    while let Some((rows, _)) = reader.next_chunk()? {
        let stored = reader.chunk_bytes()?;
        decompress(rows.codec, stored, rows.raw)?;
    }
    reader.finish()
}

/// The members as (head and body) pieces, the end of the stream last.
fn members(archive: &[u8]) -> Vec<Vec<u8>> {
    let mut starts: Vec<usize> = (0..archive.len())
        .step_by(512)
        .filter(|&at| archive[at..].starts_with(b"coalesce\0"))
        .collect();
    starts.push(archive.len() - 1024);
    starts.push(archive.len());
    starts
        .windows(2)
        .map(|it| archive[it[0]..it[1]].to_vec())
        .collect()
}

#[test]
fn whole_archive_is_read_back() {
    let end = read(&archive(RUN)).unwrap();
    let tally = end.tally(&header(RUN).catalog);
    assert_eq!((tally.tables, tally.rows, tally.large_objects), (2, 3, 0));
    assert_eq!(end.tables.iter().map(|it| it.chunks).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn every_flipped_byte_is_refused() {
    let whole = archive(RUN);
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(read(&damaged).is_err(), "byte {at} of {}", whole.len());
    }
}

#[test]
fn archive_cut_at_any_offset_is_truncated() {
    let whole = archive(RUN);
    for end in 0..whole.len() {
        let error = read(&whole[..end]).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Truncated),
            "cut at {end}: {error}"
        );
    }
}

#[test]
fn nothing_may_follow_the_end() {
    let whole = archive(RUN);
    assert!(read(&[whole.clone(), vec![0]].concat()).is_err());
    assert!(read(&[whole.clone(), whole].concat()).is_err());
}

#[test]
fn members_swapped_doubled_lost_or_of_another_run_are_refused() {
    let (ours, theirs) = (members(&archive(RUN)), members(&archive(&RUN.replace('1', "2"))));
    assert_eq!(ours.concat(), archive(RUN));
    for at in 0..ours.len() - 1 {
        let mut lost = ours.clone();
        lost.remove(at);
        assert!(read(&lost.concat()).is_err(), "member {at} lost");
        let mut doubled = ours.clone();
        doubled.insert(at, ours[at].clone());
        assert!(read(&doubled.concat()).is_err(), "member {at} twice");
        let mut foreign = ours.clone();
        foreign[at].clone_from(&theirs[at]);
        assert!(read(&foreign.concat()).is_err(), "member {at} of another run");
        for other in at + 1..ours.len() - 1 {
            let mut swapped = ours.clone();
            swapped.swap(at, other);
            assert!(
                read(&swapped.concat()).is_err(),
                "members {at} and {other} swapped"
            );
        }
    }
}

#[test]
fn text_that_is_no_archive_is_named_so() {
    let dump = b"--\n-- PostgreSQL database dump\n--\n".repeat(40);
    assert!(matches!(read(&dump).unwrap_err().kind(), ErrorKind::NotAnArchive));
}

#[test]
fn newer_versions_and_unknown_features_are_named() {
    let with = |change: fn(&mut Header)| {
        let mut header = header(RUN);
        change(&mut header);
        let writer = Writer::new(TarSink::new(Vec::new()), &header).unwrap();
        read(&writer.finish().unwrap().0).unwrap_err().to_string()
    };
    let version = with(|header| header.format = 2);
    assert_eq!(
        version,
        "archive has format version 2, this tool reads up to 1 (member archive.json)"
    );
    let feature = with(|header| header.requires.push("time-travel".into()));
    assert_eq!(
        feature,
        "archive needs feature `time-travel`, which this tool lacks (member archive.json)"
    );
}

#[test]
fn large_objects_that_are_not_what_they_claim_are_refused() {
    let with = |change: fn(&mut Catalog)| {
        let mut header = header(RUN);
        let object = |oid| LargeObject {
            oid,
            owner: "it".into(),
            comment: None,
            grants: Vec::new(),
        };
        header.catalog.large_objects = vec![object(5), object(7)];
        header.catalog.push_table(large_objects_table(0, 0));
        let form = Form::Binary;
        header.forms.push(TableForm { table: 2, form });
        header.requires = Header::features(&header.catalog);
        change(&mut header.catalog);
        let writer = Writer::new(TarSink::new(Vec::new()), &header).unwrap();
        read(&writer.finish().unwrap().0).map(|end| end.tally(&header.catalog).large_objects)
    };
    assert_eq!(with(|_| ()).unwrap(), 2);
    let forgeries: [fn(&mut Catalog); 4] = [
        |catalog| catalog.large_objects.reverse(),
        |catalog| catalog.large_objects[1].oid = 5,
        |catalog| catalog.large_objects.clear(),
        |catalog| catalog.tables[2].columns.truncate(2),
    ];
    for forge in forgeries {
        assert!(with(forge).is_err());
    }
}

#[test]
fn one_byte_reads_give_the_same() {
    struct OneByte<'a>(&'a [u8]);
    impl std::io::Read for OneByte<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let wanted = buffer.len().min(1);
            self.0.read(&mut buffer[..wanted])
        }
    }
    let whole = archive(RUN);
    let mut reader = Reader::new(TarStore::new(OneByte(&whole))).unwrap();
    reader.schema().unwrap();
    while reader.next_chunk().unwrap().is_some() {
        reader.chunk_bytes().unwrap();
    }
    assert_eq!(reader.finish().unwrap(), read(&whole).unwrap());
}

#[test]
fn chunks_passed_on_unopened_keep_their_checksums() {
    let whole = archive(RUN);
    let mut reader = Reader::new(TarStore::new(whole.as_slice())).unwrap();
    let mut renamed = reader.header().clone();
    renamed.catalog.rename(&Mapping::new(Some("shop"), &[]).unwrap());
    let mut writer = Writer::new(TarSink::new(Vec::new()), &renamed).unwrap();
    for (member, sql) in reader.schema().unwrap() {
        writer.schema(member, &sql).unwrap();
    }
    while let Some((rows, record)) = reader.next_chunk().unwrap() {
        reader
            .chunk_stream(|body| writer.pass_chunk(rows, &record, body))
            .unwrap();
    }
    let end = reader.finish().unwrap();
    let (passed, _) = writer.finish_with(end.tables.clone()).unwrap();
    let passed_end = read(&passed).unwrap();
    assert_eq!(passed_end.tables, end.tables);
    assert!(
        passed_end
            .members
            .iter()
            .any(|it| it.name == "data/0000-shop.users/00000.csv")
    );
}

#[test]
fn a_chunk_made_again_stands_where_the_old_one_stood() {
    let whole = archive(RUN);
    let remade = |source: fn(&Fingerprint) -> Fingerprint| {
        let mut reader = Reader::new(TarStore::new(whole.as_slice())).unwrap();
        let header = reader.header().clone();
        let mut writer = Writer::new(TarSink::new(Vec::new()), &header).unwrap();
        for (member, sql) in reader.schema().unwrap() {
            writer.schema(member, &sql).unwrap();
        }
        let mut changed = 0;
        while let Some((rows, record)) = reader.next_chunk().unwrap() {
            let stored = reader.chunk_bytes().unwrap();
            if rows.table == 0 {
                let chunk = decompress(rows.codec, stored, rows.raw).unwrap();
                let stored = compress(rows.codec.with_default_level(), chunk).unwrap();
                writer.changed_chunk(rows, &stored).unwrap();
                changed += 1;
            } else {
                writer.pass_chunk(rows, &record, &mut stored.as_slice()).unwrap();
            }
        }
        assert!(changed > 0);
        let mut tables = reader.finish().unwrap().tables;
        tables[0].source_fingerprint = Some(source(&tables[0].fingerprint));
        read(&writer.finish_with(tables).unwrap().0)
    };
    let old = read(&whole).unwrap();
    let end = remade(|it| *it).unwrap();
    let records = |end: &End| {
        end.members
            .iter()
            .map(|it| (it.name.clone(), it.rows))
            .collect::<Vec<_>>()
    };
    assert_eq!(records(&end), records(&old));
    assert_eq!(end.tables[0].source_fingerprint, Some(old.tables[0].fingerprint));
    // As many rows went in as came out.
    let refused = remade(|it| {
        let mut more = *it;
        more.rows += 1;
        more
    })
    .unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Damaged(_)), "{refused}");
}

proptest! {
    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn any_bytes_in_place_of_others_are_refused(
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let whole = archive(RUN);
        let [from, to] = [from, to].map(|it| it.index(whole.len() + 1));
        let (from, to) = (from.min(to), from.max(to));
        let damaged = [&whole[..from], &bytes, &whole[to..]].concat();
        prop_assume!(damaged != whole);
        prop_assert!(read(&damaged).is_err());
    }
}
