CREATE TABLE orders (
    id serial PRIMARY KEY,
    user_id int NOT NULL REFERENCES users,
    total numeric NOT NULL CONSTRAINT total_is_sane CHECK (total >= 0),
    tickets text GENERATED ALWAYS AS ('public.orders'::text || id) STORED,
    placed date DEFAULT '2025-01-01'
);
CREATE TABLE users.users (id bigserial PRIMARY KEY, users text, public text);
CREATE TABLE users.public (users int, public regtype DEFAULT 'mood'::regtype);
CREATE TABLE left_wing.cages (number int PRIMARY KEY, label text DEFAULT 'left', animal left_wing.heavy);
CREATE TABLE right_wing.cages (number int PRIMARY KEY, label text DEFAULT 'right', beside int REFERENCES left_wing.cages);
CREATE TABLE signs (id serial PRIMARY KEY, about regclass DEFAULT 'users'::regclass,
    call regprocedure DEFAULT 'date_distance(date, date)'::regprocedure, text text DEFAULT 'users');
CREATE TABLE stays (during stay, cage int, CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&));
CREATE TABLE of_place OF place (wing WITH OPTIONS DEFAULT 'left', PRIMARY KEY (cage));
CREATE TABLE big_orders (reason text) INHERITS (orders);
CREATE TABLE log (n bigserial, what text NOT NULL);
CREATE TABLE ddl_log (tag text);
CREATE SEQUENCE tickets START 100;
