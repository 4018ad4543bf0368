-- The peers' counter and log: like the board's, without the columns and the index that only the board needs.

CREATE TABLE global_counter (
    id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    value BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB;

CREATE TABLE access_log (
    id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    created_at DATETIME(3) NOT NULL,
    client_ip VARCHAR(45) NOT NULL,
    server VARCHAR(63) NOT NULL
) ENGINE=InnoDB;

INSERT INTO global_counter (id, value) VALUES (1, 0);
