"""
Whole logs past one machine: the same answer as `identity.batch.resolve`, on Spark's DataFrame API.

Made for Spark Connect, so all it needs is the thin client (``pip install sdkbridge[spark]``) and the URL of a
cluster; it runs on Apache Spark 4, and on other engines that speak Spark Connect.

    from identity.batch import spark

    session = spark.connect("sc://cluster.example:15002")
    links = session.read.parquet("s3://logs/links")
    people = spark.resolve(links, checkpoints="s3://logs/scratch")
    people.write.parquet("s3://logs/people")
"""

try:
    from identity.batch.spark.connecting import connect
    from identity.batch.spark.counting import persons, sizes
    from identity.batch.spark.resolving import Round, resolve
except ImportError as error:
    raise ImportError("identity.batch.spark needs Spark's client: pip install 'sdkbridge[spark]'") from error

__all__ = ["Round", "connect", "persons", "resolve", "sizes"]
