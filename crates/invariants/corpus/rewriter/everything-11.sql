CREATE TEXT SEARCH PARSER side.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH TEMPLATE side.template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY side.words (TEMPLATE = side.template, accept = 'false');
CREATE TEXT SEARCH CONFIGURATION searching (PARSER = side.parser);
ALTER TEXT SEARCH CONFIGURATION searching ADD MAPPING FOR word, asciiword WITH side.words, simple;

-- Foreign tables: their definition travels, their rows stay.
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE elsewhere (line text OPTIONS (force_not_null 'true') NOT NULL, n int DEFAULT 3) SERVER files OPTIONS (filename '/nowhere', format 'csv');
CREATE FOREIGN TABLE side.heir_elsewhere (more int) INHERITS (parent) SERVER files OPTIONS (filename '/nowhere');
COMMENT ON FOREIGN TABLE elsewhere IS 'far away';
COMMENT ON SERVER files IS 'a server';
COMMENT ON SCHEMA side IS 'beside';
COMMENT ON TABLE tuned IS E'a ''comment'' with \\ and\nlines';
COMMENT ON COLUMN tuned.n IS 'a column';
COMMENT ON INDEX tuned_id IS 'an index';
COMMENT ON VIEW checked IS 'a view';
