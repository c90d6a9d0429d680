INSERT INTO billing.invoice_lines (invoice_id, line, description, quantity, cents)
SELECT i.id, k, 'seat, "named"', k * 1.125, i.total / 2
FROM billing.invoices AS i CROSS JOIN generate_series(1, 2) AS k;
SELECT setval('workspaces_id_seq', 900000), setval('countdown_seq', 17, false);

CREATE RECURSIVE VIEW document_tree (id, workspace_id, depth, path) AS
    SELECT id, workspace_id, 0, title FROM documents WHERE parent_id IS NULL
    UNION ALL
    SELECT d.id, d.workspace_id, t.depth + 1, t.path || ' / ' || d.title
    FROM documents AS d JOIN document_tree AS t ON t.id = d.parent_id;
CREATE VIEW tree_depths AS SELECT depth, count(*) AS documents FROM document_tree GROUP BY depth;
CREATE VIEW billing.open_invoices AS
    SELECT i.id, w.slug, i.total, i.plan FROM billing.invoices AS i JOIN public.workspaces AS w ON w.id = i.workspace_id
    WHERE NOT i.paid;
CREATE VIEW workspace_debts AS
    SELECT w.slug, coalesce(sum(o.total), 0) AS owed FROM workspaces AS w
    LEFT JOIN billing.open_invoices AS o ON o.slug = w.slug GROUP BY w.slug;
CREATE VIEW billing_notes AS
    SELECT b.id, b.note, c.public FROM billing AS b JOIN billing.billing AS c ON c.id = b.id;
CREATE MATERIALIZED VIEW billing.revenue AS
    SELECT plan, sum(total) AS cents, count(*) AS invoices FROM billing.invoices WHERE paid GROUP BY plan;
