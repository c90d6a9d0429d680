
CREATE VIEW active_users AS
    SELECT id, email, name, nickname, tags FROM users WHERE status = 'active';
CREATE VIEW order_totals AS
    SELECT o.id AS order_id, o.user_id, o.status, o.placed_at, coalesce(sum(i.amount), 0) AS total, count(i.line) AS lines
    FROM orders AS o LEFT JOIN order_items AS i ON i.order_id = o.id
    GROUP BY o.id;
CREATE VIEW customer_value AS
    SELECT u.id, u.email, u.name, count(t.order_id) AS orders, sum(t.total) AS revenue,
           rank() OVER (ORDER BY sum(t.total) DESC NULLS LAST) AS place
    FROM active_users AS u LEFT JOIN order_totals AS t ON t.user_id = u.id AND t.status NOT IN ('draft', 'cancelled')
    GROUP BY u.id, u.email, u.name;
CREATE VIEW best_customers WITH (security_barrier) AS
    SELECT email, revenue FROM customer_value WHERE place <= 10;
CREATE VIEW product_cards AS
    SELECT p.id, p.sku, p.name, c.name AS category, (p.list_price).amount AS listed, p.attributes ->> 'color' AS color
    FROM products AS p JOIN categories AS c ON c.id = p.category_id;
CREATE VIEW writable_products AS
    SELECT id, sku, name, price, cost FROM products WHERE price > 0 WITH LOCAL CHECK OPTION;
CREATE MATERIALIZED VIEW product_sales AS
    SELECT p.id AS product_id, p.name, sum(i.quantity) AS sold, sum(i.amount) AS revenue
    FROM products AS p JOIN order_items AS i ON i.product_id = p.id
    GROUP BY p.id;
