//! Real servers for tests: Postgres and RabbitMQ, on ports and in folders of their own.
