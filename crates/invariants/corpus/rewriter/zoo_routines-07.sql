INSERT INTO orders (user_id, total) VALUES (1, 10), (1, 5.5), (2, 7), (4, 0);
INSERT INTO big_orders (user_id, total, reason) VALUES (1, 1000, 'public.big_orders');
INSERT INTO users.users (users, public) VALUES ('users.users', 'public'), ('public.users', NULL);
INSERT INTO stays VALUES ('[2025-01-01,2025-02-01)', 1), ('[2025-02-01,2025-03-01)', 2);
INSERT INTO of_place VALUES ('left', 1);
INSERT INTO visits VALUES ('calm', '2024-05-05', 'Ada'), ('calm', '2025-05-05', 'Bo'), ('wild', '2025-05-05', 'Cy');
INSERT INTO "Odd.""names"""."Upper Case" VALUES (1, 'public.users', '100%', 'it''s'), (2, NULL, NULL, NULL);
INSERT INTO "Odd.""names"""."dots.in.names" VALUES (1, 1), (2, NULL);
INSERT INTO "Odd.""names"""."two
lines" VALUES (1, E'two\nlines');
INSERT INTO "table" VALUES (1, 'user', 'group');
INSERT INTO "شجرة" VALUES (1, 'עלה');
INSERT INTO "🦊 den" VALUES (1, '🦊');
INSERT INTO names_of_sixty_three_bytes_are_the_longest_ones_that_are_stored (t) VALUES ('x');
INSERT INTO u$ers VALUES (1, 2);
REFRESH MATERIALIZED VIEW totals;

COMMENT ON SCHEMA left_wing IS 'public.users';
COMMENT ON TABLE users IS 'public.users';
COMMENT ON COLUMN users.public IS 'users.public';
COMMENT ON COLUMN public.users.users IS 'c';
