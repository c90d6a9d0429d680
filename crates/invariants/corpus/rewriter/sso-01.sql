CREATE TABLE role_permissions (
    role_id smallint NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    permission_id integer NOT NULL REFERENCES permissions (id) ON DELETE CASCADE,
    PRIMARY KEY (role_id, permission_id)
);
CREATE TABLE user_roles (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role_id smallint NOT NULL REFERENCES roles (id),
    granted_at timestamptz NOT NULL DEFAULT now(),
    granted_until timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (user_id, role_id)
);
CREATE TABLE sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    address inet NOT NULL,
    device macaddr,
    user_agent text,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT sessions_end_after_start CHECK (ended_at > started_at)
);
CREATE INDEX idx_sessions_user_id ON sessions (user_id);
CREATE INDEX idx_sessions_address ON sessions USING gist (address inet_ops);
CREATE TABLE tokens (
    id bigserial PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    secret bytea NOT NULL,
    scopes text[] NOT NULL DEFAULT ARRAY['openid'],
    expires_at timestamptz NOT NULL
);
