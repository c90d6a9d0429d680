CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE INDEX idx_events_kind ON events (kind, occurred_at);
CREATE INDEX idx_events_occurred_at ON events USING brin (occurred_at);

CREATE TABLE awkward (
    id integer PRIMARY KEY,
    label text NOT NULL,
    words text,
    exact numeric,
    approximate double precision,
    small real,
    happened timestamptz,
    local_time timestamp,
    day date,
    clock time,
    clock_zone timetz,
    span interval,
    bytes bytea,
    numbers integer[],
    nested text[],
    document json,
    documentb jsonb,
    key uuid,
    flags varbit,
    network cidr,
    during tstzrange,
    gaps int4multirange,
    letter "char",
    padded char(6)
);

CREATE TABLE audit_log (
    id bigserial PRIMARY KEY,
    table_name text NOT NULL,
    action text NOT NULL,
    row_key text,
    old_row jsonb,
    new_row jsonb,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE "Mixed Case" (
    "Id" integer PRIMARY KEY,
    "select" text,
    "quo""te" text,
    größe integer CHECK (größe >= 0)
);

INSERT INTO users (email, name, nickname, status, is_staff, tags, settings, avatar, created_at, updated_at)
SELECT format('User%s@Example.%s', n, CASE n % 3 WHEN 0 THEN 'com' WHEN 1 THEN 'ORG' ELSE 'net' END),
       (ARRAY['Ada','Grace','Edsger','Barbara','Donald','Tony','Leslie','Radia'])[1 + n % 8] || ' '
           || (ARRAY['Lovelace','Höpper','Dijkstra','Liskov','Knuth','O''Hoare','Lamport','Perlman'])[1 + n / 3 % 8],
       CASE n % 5 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'nick' || n END,
       (ARRAY['active','active','active','suspended','closed']::user_status[])[1 + n % 5],
       n % 50 = 0,
       CASE n % 4 WHEN 0 THEN '{}' WHEN 1 THEN ARRAY['new'] ELSE ARRAY['vip', 'says "hi"', NULL, 'a,b'] END,
       jsonb_build_object('theme', CASE n % 2 WHEN 0 THEN 'dark' ELSE 'light' END, 'pages', n % 17, 'mail', n % 3 = 0),
       CASE n % 7 WHEN 0 THEN decode(md5(n::text), 'hex') WHEN 1 THEN ''::bytea END,
       timestamptz '2023-06-01 08:00+00' + n * interval '37 minutes 11.25 seconds',
       CASE n % 3 WHEN 0 THEN timestamptz '2025-02-01 00:00+00' + n * interval '1 minute' END
FROM generate_series(1, 120 * current_setting('coalesce.scale')::integer) AS n;
