//! Entity-relationship diagrams: where tables and the lines between them go, as SVG and as Mermaid text.
//!
//! A [`Diagram`] says what is to be seen, [`Layout::of`] where, and [`svg`] and [`mermaid`] write it. Nothing here does
//! I/O, and nothing is left to chance: the same diagram always gives the same text.

mod divide;
mod layout;
mod mermaid;
mod model;
mod svg;
mod text;

pub use divide::{DETAILED_TABLES_MAX, TABLES_MAX, divided};
pub use layout::{Layout, PlacedEdge, PlacedRow, PlacedTable, Rect};
pub use mermaid::mermaid;
pub use model::{Cardinality, Diagram, Edge, End, Marks, Row, Table};
pub use svg::{Framing, STYLE, svg};
pub use text::{Weight, visible, width};
