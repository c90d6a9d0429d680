CREATE UNIQUE INDEX totals_name ON totals (name);
CREATE VIEW badge_owners AS SELECT tickets.orders FROM (SELECT count(*) AS orders FROM orders) tickets;
;
