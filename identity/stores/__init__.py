"""
Where the rows are: one face over a SQLite file and over PostgreSQL, behind `identity.database.Database`.
"""
