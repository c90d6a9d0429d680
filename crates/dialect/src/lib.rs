//! SQL of SQLite as SQL of PostgreSQL that means the same, or the reason why there is none.
//!
//! Pure: text in, text out. What a name means, and which type a column has on the target, is told by whoever asks.
