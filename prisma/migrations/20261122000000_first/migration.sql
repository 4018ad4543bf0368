-- What MySQL 8.4/9 and MariaDB 10.11 both take. Everything stored is ASCII: hex ids, addresses, names.

CREATE TABLE `global_counter` (
    `id` TINYINT UNSIGNED NOT NULL,
    `value` BIGINT UNSIGNED NOT NULL DEFAULT 0,

    PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE `access_log` (
    `id` BIGINT UNSIGNED NOT NULL,
    `created_at` DATETIME(3) NOT NULL,
    `client_ip` VARCHAR(45) NOT NULL,
    `srv_id` CHAR(32) NOT NULL,
    `server_id` INTEGER UNSIGNED NOT NULL,
    `cookie_srv_id` CHAR(32) NULL,
    `request_id` CHAR(32) NOT NULL,

    INDEX `access_log_server_id_id_idx`(`server_id`, `id`),
    PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE `recent_request` (
    `request_id` CHAR(32) NOT NULL,
    `id` BIGINT UNSIGNED NOT NULL,

    INDEX `recent_request_id_idx`(`id`),
    PRIMARY KEY (`request_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE `server` (
    `id` INTEGER UNSIGNED NOT NULL AUTO_INCREMENT,
    `srv_id` CHAR(32) NOT NULL,
    `name` VARCHAR(63) NOT NULL,
    `address` VARCHAR(53) NOT NULL,
    `hits` BIGINT UNSIGNED NOT NULL DEFAULT 0,
    `started_at` DATETIME(3) NOT NULL,
    `ready_at` DATETIME(3) NULL,
    `last_seen_at` DATETIME(3) NOT NULL,
    `stopped_at` DATETIME(3) NULL,
    `draining` BOOLEAN NOT NULL DEFAULT false,
    `rate` DOUBLE NOT NULL DEFAULT 0,
    `p50_ms` DOUBLE NULL,
    `p99_ms` DOUBLE NULL,
    `errors` INTEGER UNSIGNED NOT NULL DEFAULT 0,
    `streams` INTEGER UNSIGNED NOT NULL DEFAULT 0,
    `memory_bytes` BIGINT UNSIGNED NOT NULL DEFAULT 0,

    INDEX `server_srv_id_idx`(`srv_id`),
    PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

CREATE TABLE `server_minute` (
    `minute` DATETIME(0) NOT NULL,
    `server_id` INTEGER UNSIGNED NOT NULL,
    `hits` BIGINT UNSIGNED NOT NULL,

    PRIMARY KEY (`minute`, `server_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

INSERT INTO `global_counter` (`id`, `value`) VALUES (1, 0);
