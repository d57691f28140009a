/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A JSON writer: commas and quotes, nothing else. `key` is NULL inside an array and at the top.
 * Keys and texts are the VMM's own and KVM's names; they are written without escapes.
 */
#ifndef KVMLAB_JSON_H
#define KVMLAB_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *file;
	bool comma;
};

void json_object(struct json *json, const char *key);
void json_object_end(struct json *json);
void json_array(struct json *json, const char *key);
void json_array_end(struct json *json);
void json_integer(struct json *json, const char *key, int64_t value);
void json_real(struct json *json, const char *key, double value);
void json_text(struct json *json, const char *key, const char *value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

/* Ends the line and sends it off. */
void json_line_end(struct json *json);

#endif
