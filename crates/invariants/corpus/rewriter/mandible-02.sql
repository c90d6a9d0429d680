CREATE UNIQUE INDEX idx_products_sku ON products (normalize_sku(sku));
CREATE INDEX idx_products_name_trgm ON products USING gin (name gin_trgm_ops);
CREATE INDEX idx_products_search ON products USING gin (search);
CREATE INDEX idx_products_attributes ON products USING gin (attributes jsonb_path_ops);

CREATE TABLE promotions (
    id integer PRIMARY KEY,
    title text NOT NULL,
    runs daterange NOT NULL,
    discount numeric(4,3) NOT NULL CHECK (discount BETWEEN 0 AND 1),
    is_global boolean NOT NULL,
    CONSTRAINT promotions_never_overlap EXCLUDE USING gist (runs WITH &&) WHERE (is_global)
);

CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    number bigint NOT NULL DEFAULT nextval('order_number_seq') UNIQUE,
    user_id bigint NOT NULL REFERENCES users (id),
    address_id integer REFERENCES addresses (id),
    status order_status NOT NULL DEFAULT 'draft',
    placed_at timestamptz,
    ship_after interval,
    note text,
    details jsonb NOT NULL DEFAULT '{"channel": "web"}',
    updated_at timestamptz,
    CONSTRAINT orders_placed_has_time CHECK (status = 'draft' OR placed_at IS NOT NULL)
);
CREATE INDEX idx_orders_user_id ON orders (user_id);
CREATE INDEX idx_orders_open ON orders (placed_at) WHERE status IN ('placed', 'paid');
