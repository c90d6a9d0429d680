CREATE TABLE public.t (id int);

COPY public.t (id) FROM stdin;
1
\.

ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);
\connect x
SELECT pg_catalog.setval('public.t_id_seq', 1, true);
