//! Entity-relationship diagrams: where tables and the lines between them go, as SVG and as Mermaid text.
