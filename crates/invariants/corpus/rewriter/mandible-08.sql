INSERT INTO awkward (id, label, exact, approximate, small) VALUES
    (30, 'not a number', 'NaN', 'NaN', 'NaN'), (31, 'infinity', 'Infinity', 'Infinity', 'Infinity'),
    (32, 'minus infinity', '-Infinity', '-Infinity', '-Infinity'), (33, 'negative zero', 0, '-0', '-0'),
    (34, 'trailing zeros', 1.50000, 0.1, 0.1), (35, 'many digits', 12345678901234567890.098765432109876543210, 1e308, 1e38),
    (36, 'subnormal', 1e-300, 5e-324, 1e-45), (37, 'huge', repeat('9', 400)::numeric, 0.3, 16777217);
INSERT INTO awkward (id, label, happened, local_time, day, clock, clock_zone, span) VALUES
    (40, 'infinity', 'infinity', 'infinity', 'infinity', '24:00:00', '24:00:00+14', '178000000 years'),
    (41, 'minus infinity', '-infinity', '-infinity', '-infinity', '00:00', '00:00-15:59:59', '-178000000 years'),
    (42, 'before Christ', '4713-11-24 00:00:00+00 BC', '0044-03-15 12:00 BC', '4713-11-24 BC', '12:00', '12:00+00', '0'),
    (43, 'far future', '294276-12-31 23:59:59.999999+00', '294276-12-31', '5874897-12-31', '23:59:59.999999',
        '23:59:59.999999-12', '1 year -1 mon +1 day -00:00:00.000001'),
    (44, 'local mean time', '1880-01-01 00:00+00:53:28', '1880-01-01', '1880-01-01', '04:05', '04:05:06.7+05:30', '-1 day +24:00'),
    (45, 'microseconds', '2024-02-29 17:03:11.000001+00', '2024-02-29 00:00:00.1', '2024-02-29', '00:00:00.000001',
        '00:00+00', '-00:00:01');
