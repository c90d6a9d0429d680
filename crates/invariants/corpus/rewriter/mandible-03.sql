CREATE INDEX idx_orders_status ON orders (status, placed_at DESC NULLS LAST);

CREATE TABLE order_items (
    order_id bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    line smallint NOT NULL,
    product_id integer NOT NULL REFERENCES products (id),
    quantity positive_quantity NOT NULL,
    unit_price numeric(12,2) NOT NULL,
    amount numeric GENERATED ALWAYS AS (quantity * unit_price) STORED,
    PRIMARY KEY (order_id, line)
);
CREATE INDEX idx_order_items_product ON order_items (product_id);

CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY,
    occurred_at timestamptz NOT NULL,
    user_id bigint REFERENCES users (id) ON DELETE CASCADE,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    source_ip inet,
    PRIMARY KEY (id, occurred_at, kind)
) PARTITION BY RANGE (occurred_at);
CREATE TABLE events_2024 PARTITION OF events
    FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00');
CREATE TABLE events_2025 PARTITION OF events
    FOR VALUES FROM ('2025-01-01 00:00+00') TO ('2026-01-01 00:00+00') PARTITION BY LIST (kind);
CREATE TABLE events_2025_login PARTITION OF events_2025 FOR VALUES IN ('login');
CREATE TABLE events_2025_other PARTITION OF events_2025 DEFAULT;
