CREATE TABLE visits (mood mood, day date, guest text) PARTITION BY LIST (mood);
CREATE TABLE visits_calm PARTITION OF visits FOR VALUES IN ('calm') PARTITION BY RANGE (day);
CREATE TABLE visits_calm_old PARTITION OF visits_calm FOR VALUES FROM (MINVALUE) TO ('2025-01-01');
CREATE TABLE left_wing.visits_calm_new PARTITION OF visits_calm FOR VALUES FROM ('2025-01-01') TO (MAXVALUE);
CREATE TABLE right_wing.visits PARTITION OF visits DEFAULT;
CREATE INDEX ON visits (day);
CREATE UNIQUE INDEX visits_once ON visits (mood, day, guest);

-- Names that must be quoted, and some that only look so.
CREATE TABLE "Odd.""names"""."Upper Case" ("select" int PRIMARY KEY, "a.b" text DEFAULT 'a.b', "100%" text, "it's" text);
CREATE TABLE "Odd.""names"""."dots.in.names" (id int PRIMARY KEY, "public.users" int REFERENCES public.users);
CREATE TABLE "Odd.""names"""."percent %s %I" (id int PRIMARY KEY);
CREATE TABLE "Odd.""names"""."two
lines" (id int PRIMARY KEY, "and
two" text);
CREATE TABLE "table" ("order" int PRIMARY KEY, "user" text, "group" text);
CREATE TABLE "شجرة" ("ورقة" int PRIMARY KEY, "עלה" text);
CREATE TABLE "🦊 den" ("🐾" int PRIMARY KEY, "naïve" text);
CREATE TABLE "quote""d" (id int PRIMARY KEY);
