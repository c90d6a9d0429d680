CREATE INDEX idx_documents_body ON documents USING gin (body);
CREATE INDEX idx_documents_title_trgm ON documents USING gist (title gist_trgm_ops);
CREATE TABLE spaces (id integer PRIMARY KEY, workspace_id bigint REFERENCES workspaces (id), name text);
CREATE TABLE billing (id integer PRIMARY KEY, note text);
CREATE TABLE billing.invoices (
    id bigserial PRIMARY KEY,
    workspace_id bigint NOT NULL REFERENCES public.workspaces (id),
    plan billing.plan NOT NULL,
    issued_on date NOT NULL,
    total billing.cents NOT NULL,
    paid boolean NOT NULL DEFAULT false,
    memo text
);
CREATE INDEX idx_orders_open ON billing.invoices (issued_on) WHERE NOT paid;
CREATE TABLE billing.invoice_lines (
    invoice_id bigint NOT NULL REFERENCES billing.invoices (id) ON DELETE CASCADE,
    line integer NOT NULL,
    description text NOT NULL,
    quantity numeric(10,3) NOT NULL,
    cents billing.cents NOT NULL,
    PRIMARY KEY (invoice_id, line)
);
CREATE TABLE billing.billing (id integer PRIMARY KEY, public text);
CREATE SEQUENCE billing.never_called_seq START WITH 500 MINVALUE 100 CYCLE;
CREATE SEQUENCE public.countdown_seq INCREMENT BY -1 MAXVALUE 1000 START WITH 1000 CACHE 5;

INSERT INTO workspaces (slug, title, plan, settings, created_at)
SELECT 'space-' || n, (ARRAY['Müller & Söhne','O''Neil "Ltd."','株式会社'])[1 + n % 3] || ' ' || n,
       (enum_range(NULL::billing.plan))[1 + n % 3],
       CASE n % 3 WHEN 0 THEN NULL ELSE jsonb_build_object('seats', n % 50, 'sso', n % 2 = 0) END,
       timestamptz '2021-05-05 05:05:05.555+00' + n * interval '1 day'
FROM generate_series(1, 20 * current_setting('coalesce.scale')::integer) AS n;
