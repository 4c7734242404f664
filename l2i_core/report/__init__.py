"""What is handed out: figures, tables, evidence, reports."""
