
CREATE FUNCTION order_total(p_order_id bigint) RETURNS numeric
    LANGUAGE sql STABLE
    AS $$ SELECT coalesce(sum(amount), 0) FROM public.order_items WHERE order_id = p_order_id $$;
CREATE FUNCTION order_count(p_user_id bigint) RETURNS bigint
    LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT count(*) FROM orders WHERE user_id = p_user_id AND status <> 'cancelled'::order_status;
    END;
CREATE FUNCTION find_user(p_email text) RETURNS SETOF users
    LANGUAGE sql STABLE SET search_path = public
    AS $$ SELECT * FROM users WHERE email = p_email::citext $$;
CREATE FUNCTION search_products(p_words text, p_limit integer DEFAULT 5)
    RETURNS TABLE (product_id integer, product_name text, closeness real)
    LANGUAGE sql STABLE
    AS $$
        SELECT p.id, p.name, public.similarity(p.name, p_words)
        FROM public.products AS p
        ORDER BY 3 DESC, 1
        LIMIT p_limit
    $$;
CREATE FUNCTION place_order(p_user_id bigint, VARIADIC p_product_ids integer[]) RETURNS public.orders
    LANGUAGE plpgsql AS $$
DECLARE
    placed public.orders;
    product record;
    line_number smallint := 0;
BEGIN
    INSERT INTO public.orders (user_id, status, placed_at)
    VALUES (p_user_id, 'placed'::public.order_status, '2025-01-02 03:04:05+00')
    RETURNING * INTO placed;
    FOR product IN SELECT id, price FROM public.products WHERE id = ANY (p_product_ids) ORDER BY id LOOP
        line_number := line_number + 1;
        INSERT INTO public.order_items (order_id, line, product_id, unit_price)
        VALUES (placed.id, line_number, product.id, product.price);
    END LOOP;
    IF line_number = 0 THEN
        RAISE EXCEPTION 'no product of % exists in public.products', p_product_ids;
    END IF;
    RETURN placed;
