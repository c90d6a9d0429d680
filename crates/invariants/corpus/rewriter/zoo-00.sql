-- The zoo: every trap that a new name can fall into, in one database that works. The path of its application is
-- `public` alone. Whoever loads it must be superuser, for operator classes and the event trigger.

CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION pg_trgm SCHEMA public;
CREATE SCHEMA users; -- called like a table
CREATE SCHEMA left_wing; -- these two can swap their names
CREATE SCHEMA right_wing;
CREATE SCHEMA "Odd.""names""";

-- Types of every kind, one upon another.
CREATE TYPE mood AS ENUM ('calm', 'wild', 'public.users');
CREATE DOMAIN weight AS numeric(8,2) CONSTRAINT positive CHECK (VALUE > 0);
CREATE DOMAIN left_wing.heavy AS public.weight CHECK (VALUE > 100);
CREATE TYPE place AS (wing text, cage int);
CREATE TYPE path AS (first place, rest place[]);
CREATE FUNCTION date_distance(a date, b date) RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT (a - b)::float8';
CREATE TYPE stay AS RANGE (subtype = date, subtype_diff = date_distance);
CREATE TYPE left_wing.span AS RANGE (subtype = int, multirange_type_name = left_wing.spans);

-- Tables whose columns, variables and aliases share their names with schemas and tables.
CREATE TABLE users (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name citext NOT NULL CONSTRAINT users_name_key UNIQUE,
    public text DEFAULT 'public.users',
    users int REFERENCES users (id),
    mood mood NOT NULL DEFAULT 'calm',
    weight weight,
    seen stay, spot place, pets left_wing.spans
);
