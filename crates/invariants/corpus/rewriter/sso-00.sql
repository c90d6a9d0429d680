-- A sign-on service's database. Table, type and index names clash with those of mandible on purpose.

CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION pgcrypto SCHEMA public;

CREATE TYPE user_status AS ENUM ('invited', 'active', 'locked');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%_@_%');

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT public.gen_random_uuid(),
    email citext NOT NULL,
    contact email,
    password_hash bytea NOT NULL,
    password_digest text GENERATED ALWAYS AS (encode(digest(password_hash, 'sha256'), 'hex')) STORED,
    status user_status NOT NULL DEFAULT 'invited',
    failed_logins smallint NOT NULL DEFAULT 0 CHECK (failed_logins >= 0),
    locale varchar(10),
    last_seen timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz
);
CREATE UNIQUE INDEX idx_users_email ON users (email);
CREATE INDEX idx_users_active ON users (last_seen) WHERE status = 'active';
COMMENT ON TABLE users IS 'Accounts of every product';

CREATE TABLE roles (
    id smallint PRIMARY KEY,
    name text NOT NULL UNIQUE,
    description text
);
CREATE TABLE permissions (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    resource text NOT NULL,
    action text NOT NULL,
    UNIQUE (resource, action)
);
