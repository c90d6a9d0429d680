-- A product's database: people, goods, orders, and an event log. Rows come from generate_series and md5, so
-- that every build holds the same ones. The setting coalesce.scale multiplies them.

CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION pg_trgm SCHEMA public;

CREATE TYPE order_status AS ENUM ('draft', 'placed', 'paid', 'shipped', 'returned', 'cancelled');
CREATE TYPE user_status AS ENUM ('active', 'suspended', 'closed');
CREATE TYPE price_tag AS (amount numeric(12,2), currency char(3));
CREATE DOMAIN email AS citext CONSTRAINT email_shape CHECK (VALUE ~ '^[^@\s]+@[^@\s]+$');
CREATE DOMAIN positive_quantity AS integer DEFAULT 1 CHECK (VALUE > 0);
CREATE SEQUENCE order_number_seq START WITH 100000 INCREMENT BY 7;

CREATE FUNCTION normalize_sku(sku text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT upper(btrim(sku)) $$;

CREATE FUNCTION is_currency(code text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN code ~ '^[A-Z]{3}$';
END
$$;

CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email email NOT NULL,
    name text NOT NULL,
    nickname text,
    status user_status NOT NULL DEFAULT 'active',
    is_staff boolean NOT NULL DEFAULT false,
    tags text[] NOT NULL DEFAULT '{}',
    settings jsonb NOT NULL DEFAULT '{}'::jsonb,
    avatar bytea,
    referred_by bigint REFERENCES users (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz,
    CONSTRAINT users_email_key UNIQUE (email),
    CONSTRAINT users_settings_is_object CHECK (jsonb_typeof(settings) = 'object')
);
