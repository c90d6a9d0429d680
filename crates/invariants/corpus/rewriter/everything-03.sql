CREATE TABLE referring (
    a int, b int,
    CONSTRAINT whole FOREIGN KEY (a, b) REFERENCES target_of_keys (x, y) MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL
      DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT parts FOREIGN KEY (b, a) REFERENCES target_of_keys (x, y) ON UPDATE SET DEFAULT ON DELETE RESTRICT DEFERRABLE
);
INSERT INTO referring VALUES (1, 1), (NULL, NULL);
ALTER TABLE referring ADD CONSTRAINT unproved CHECK (a > 5) NOT VALID;
ALTER TABLE referring ADD CONSTRAINT unproved_too FOREIGN KEY (a) REFERENCES no_identity NOT VALID;
COMMENT ON CONSTRAINT unproved ON referring IS 'nobody has looked';

-- Domains over domains, ranges with names of their own, composites with collations.
CREATE DOMAIN side.word AS text COLLATE "C" DEFAULT 'w' NOT NULL CONSTRAINT not_empty CHECK (VALUE <> '');
CREATE DOMAIN short_word AS side.word CONSTRAINT short CHECK (length(VALUE) < 9);
ALTER DOMAIN short_word ADD CONSTRAINT no_blank CHECK (VALUE !~ ' ') NOT VALID;
CREATE TYPE side.ranged AS RANGE (subtype = text, collation = "POSIX", subtype_opclass = text_pattern_ops, multirange_type_name = side.many_ranged);
CREATE TYPE described AS (a text COLLATE "C", b side.ranged, c short_word[]);
