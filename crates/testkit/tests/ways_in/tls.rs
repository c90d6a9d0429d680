//! What each `sslmode` takes and refuses, client certificates and channel binding, against a server whose
//! certificates change.

use crate::Lab;
use crate::certificates::{Certificates, Pair};

type Case<'a> = (&'a str, &'a str, Result<&'a str, &'a str>);

#[test]
fn every_mode_means_what_libpq_says() {
    // Fault 52.
    let (lab, files) = (Lab::shared(), Certificates::new());
    check(
        lab,
        &files,
        &[
            ("anyone", "sslmode=require", Err("server does not support TLS")),
            ("anyone", "sslmode=prefer", Ok("plain")),
            ("anyone", "sslmode=allow", Ok("plain")),
        ],
    );

    serve(lab, &files, &files.issue(&["db.test"], 2999));
    check_modes(lab, &files);
    check_root_of_home(lab, &files);
    check_client_certificates(lab, &files);
    check_other_certificates(lab, &files);
}

fn check_modes(lab: &Lab, files: &Certificates) {
    let (right, wrong) = (root(files, "authority.pem"), root(files, "stranger.pem"));
    let cases: &[Case] = &[
        ("anyone", "sslmode=disable", Ok("plain")),
        ("tls_only", "sslmode=disable", Err("pg_hba.conf")),
        ("anyone", "sslmode=allow", Ok("plain")),
        ("tls_only", "sslmode=allow", Ok("TLSv1.3")),
        ("anyone", "", Ok("TLSv1.3")),
        ("plain_only", "sslmode=prefer", Ok("plain")),
        ("anyone", "sslmode=require", Ok("TLSv1.3")),
        ("plain_only", "sslmode=require", Err("pg_hba.conf")),
        (
            "plain_only",
            &format!("sslmode=verify-full {right}"),
            Err("pg_hba.conf"),
        ),
        ("anyone", &format!("sslmode=require {right}"), Ok("TLSv1.3")),
        (
            "anyone",
            &format!("sslmode=require {wrong}"),
            Err("no trusted authority"),
        ),
        ("anyone", "sslmode=verify-ca", Err("needs a root certificate")),
        ("anyone", &format!("sslmode=verify-ca {right}"), Ok("TLSv1.3")),
        (
            "anyone",
            &format!("sslmode=verify-ca {wrong}"),
            Err("no trusted authority"),
        ),
        (
            "anyone",
            &format!("sslmode=verify-ca host=other.test {right}"),
            Ok("TLSv1.3"),
        ),
        ("anyone", &format!("sslmode=verify-full {right}"), Ok("TLSv1.3")),
        (
            "anyone",
            &format!("sslmode=verify-full {wrong}"),
            Err("no trusted authority"),
        ),
        (
            "anyone",
            &format!("sslmode=verify-full host=other.test {right}"),
            Err("names other hosts"),
        ),
        (
            "anyone",
            "sslmode=require ssl_max_protocol_version=TLSv1.2",
            Ok("TLSv1.2"),
        ),
        ("anyone", "sslmode=require sslsni=0", Ok("TLSv1.3")),
        (
            "locked",
            "password=Sesame-right channel_binding=require",
            Ok("TLSv1.3"),
        ),
        (
            "locked",
            "password=Sesame-right channel_binding=require sslmode=disable",
            Err("channel binding"),
        ),
        ("anyone", "channel_binding=require", Err("channel binding")),
    ];
    check(lab, files, cases);
}

fn check_other_certificates(lab: &Lab, files: &Certificates) {
    let right = root(files, "authority.pem");
    serve(lab, files, &files.issue(&["db.test"], 2021));
    check(
        lab,
        files,
        &[
            ("anyone", "sslmode=require", Ok("TLSv1.3")),
            (
                "anyone",
                &format!("sslmode=verify-ca {right}"),
                Err("has run out"),
            ),
            (
                "anyone",
                &format!("sslmode=verify-full {right}"),
                Err("has run out"),
            ),
        ],
    );

    serve(lab, files, &files.issue(&[], 2999));
    check(
        lab,
        files,
        &[
            ("anyone", &format!("sslmode=verify-ca {right}"), Ok("TLSv1.3")),
            (
                "anyone",
                &format!("sslmode=verify-full host=common.test {right}"),
                Err("names other hosts"),
            ),
        ],
    );

    let own = Certificates::self_signed(&["db.test"]);
    files.write("own.pem", &own.certificate, 0o644);
    serve(lab, files, &own);
    lab.execute("ALTER SYSTEM SET ssl_ca_file = ''");
    lab.reload();
    let itself = root(files, "own.pem");
    check(
        lab,
        files,
        &[
            (
                "anyone",
                &format!("sslmode=verify-ca {right}"),
                Err("no trusted authority"),
            ),
            ("anyone", &format!("sslmode=verify-full {itself}"), Ok("TLSv1.3")),
            (
                "anyone",
                &format!("sslmode=verify-full host=other.test {itself}"),
                Err("names other hosts"),
            ),
            (
                "anyone",
                &format!(
                    "sslmode=require sslcertmode=require {}",
                    client(files, "client.key")
                ),
                Err("did not ask for a client certificate"),
            ),
        ],
    );
}

/// `require` verifies where the home has root certificates; `prefer` never does.
fn check_root_of_home(lab: &Lab, files: &Certificates) {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".postgresql")).unwrap();
    std::fs::copy(
        files.path("stranger.pem"),
        home.path().join(".postgresql/root.crt"),
    )
    .unwrap();
    for (mode, expected) in [
        ("require", Err("no trusted authority")),
        ("prefer", Ok("TLSv1.3")),
    ] {
        let words = format!("{} user=anyone sslmode={mode}", lab.over_tcp("db.test"));
        lab.check("assess \"$SOURCE\"", home.path(), &words, expected);
    }
}

fn check_client_certificates(lab: &Lab, files: &Certificates) {
    let (pair, other) = (
        files.issue(&["client.test"], 2999),
        files.issue(&["client.test"], 2999),
    );
    files.write("client.pem", &pair.certificate, 0o644);
    files.write("client.key", &pair.key, 0o600);
    files.write("open.key", &pair.key, 0o644);
    files.write("other.key", &other.key, 0o600);
    files.write("locked.key", &pair.encrypted_key("Sesame key"), 0o600);
    let own = Certificates::self_signed(&["client.test"]);
    files.write("stray.pem", &own.certificate, 0o644);
    files.write("stray.key", &own.key, 0o600);
    let with = |key| format!("sslmode=require {}", client(files, key));
    let stray = with("stray.key").replace("client.pem", "stray.pem");
    check(
        lab,
        files,
        &[
            ("certified", "sslmode=require", Err("sslcert=FILE")),
            ("certified", &with("client.key"), Ok("TLSv1.3")),
            (
                "certified",
                &(with("client.key") + " ssl_max_protocol_version=TLSv1.2"),
                Ok("TLSv1.2"),
            ),
            (
                "certified",
                &(with("client.key") + " sslcertmode=require"),
                Ok("TLSv1.3"),
            ),
            (
                "certified",
                &(with("client.key") + " sslcertmode=disable"),
                Err("sslcert=FILE"),
            ),
            (
                "plain_only",
                &(with("client.key") + " sslmode=prefer sslcertmode=require"),
                Err("pg_hba.conf"),
            ),
            ("anyone", "sslmode=disable sslcertmode=require", Err("needs TLS")),
            (
                "certified",
                "sslmode=require sslcertmode=require",
                Err("needs a client certificate"),
            ),
            ("certified", &with("open.key"), Err("is open to group or others")),
            (
                "certified",
                &with("other.key"),
                Err("does not go with the client certificate"),
            ),
            ("certified", &with("gone.key"), Err("but not its key")),
            ("certified", &with("locked.key"), Err("is encrypted")),
            (
                "certified",
                &(with("locked.key") + " sslpassword=wrong"),
                Err("cannot be decrypted"),
            ),
            ("certified", &stray, Err("UnknownCA")),
        ],
    );

    // pg_dump must come in the same way, and nobody sees the password of the key.
    let secret = with("locked.key") + " sslpassword='Sesame key'";
    let words = format!("{} user=certified {secret}", lab.over_tcp("db.test"));
    let line = "dump --verbose \"$SOURCE\" | wc -c";
    let output = lab.check(line, &lab.home, &words, Ok("TLSv1.3"));
    assert!(!output.stderr().contains("Sesame"), "{output}");

    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".postgresql")).unwrap();
    for (from, to) in [("client.pem", "postgresql.crt"), ("client.key", "postgresql.key")] {
        std::fs::copy(files.path(from), home.path().join(".postgresql").join(to)).unwrap();
    }
    let words = format!("{} user=certified sslmode=require", lab.over_tcp("db.test"));
    lab.check(line, home.path(), &words, Ok("TLSv1.3"));
    let words = format!(
        "{} user=anyone sslmode=require sslcertmode=disable",
        lab.over_tcp("db.test")
    );
    lab.check(line, home.path(), &words, Ok("TLSv1.3"));
}

/// Each case is a role, words, and what becomes of them.
#[track_caller]
fn check(lab: &Lab, files: &Certificates, cases: &[Case]) {
    for (role, words, expected) in cases {
        // The last of two hosts holds.
        let words = format!("{} user={role} {words}", lab.over_tcp("db.test"));
        let line = "assess \"$SOURCE\"";
        let output = lab.check(line, &lab.home, &words, *expected);
        assert!(!output.stderr().contains(&files.folder().display().to_string()) || expected.is_err());
    }
}

fn root(files: &Certificates, name: &str) -> String {
    format!("sslrootcert={}", files.path(name).display())
}

fn client(files: &Certificates, key: &str) -> String {
    let (certificate, key) = (files.path("client.pem"), files.path(key));
    format!("sslcert={} sslkey={}", certificate.display(), key.display())
}

/// Makes the server show this certificate from now on, and ask for those of the authority's clients.
fn serve(lab: &Lab, files: &Certificates, pair: &Pair) {
    let authority = std::fs::read_to_string(files.path("authority.pem")).unwrap();
    for (name, text) in [
        ("server.crt", &pair.certificate),
        ("server.key", &pair.key),
        ("ca.crt", &authority),
    ] {
        lab.write_as_server(&format!("tls/{name}"), text);
    }
    let folder = lab.cluster.root().join("tls");
    let folder = folder.display();
    lab.execute(&format!(
        "ALTER SYSTEM SET ssl_cert_file = '{folder}/server.crt'; ALTER SYSTEM SET ssl_key_file = '{folder}/server.key';
         ALTER SYSTEM SET ssl_ca_file = '{folder}/ca.crt'; ALTER SYSTEM SET ssl = on"
    ));
    lab.reload();
}
