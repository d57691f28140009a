// SPDX-License-Identifier: GPL-2.0-only
/*
 * A JSON writer: commas and quotes, nothing else.
 */
#include "json.h"

#include <inttypes.h>

static void begin(struct json *json, const char *key)
{
	if (json->comma)
		fputs(", ", json->file);
	json->comma = true;
	if (key)
		fprintf(json->file, "\"%s\": ", key);
}

static void open(struct json *json, const char *key, char bracket)
{
	begin(json, key);
	fputc(bracket, json->file);
	json->comma = false;
}

static void close(struct json *json, char bracket)
{
	fputc(bracket, json->file);
	json->comma = true;
}

void json_object(struct json *json, const char *key)
{
	open(json, key, '{');
}

void json_object_end(struct json *json)
{
	close(json, '}');
}

void json_array(struct json *json, const char *key)
{
	open(json, key, '[');
}

void json_array_end(struct json *json)
{
	close(json, ']');
}

void json_integer(struct json *json, const char *key, int64_t value)
{
	begin(json, key);
	fprintf(json->file, "%" PRId64, value);
}

void json_real(struct json *json, const char *key, double value)
{
	begin(json, key);
	fprintf(json->file, "%.12g", value);
}

void json_text(struct json *json, const char *key, const char *value)
{
	begin(json, key);
	fprintf(json->file, "\"%s\"", value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin(json, key);
	fputs(value ? "true" : "false", json->file);
}

void json_null(struct json *json, const char *key)
{
	begin(json, key);
	fputs("null", json->file);
}

void json_line_end(struct json *json)
{
	fputc('\n', json->file);
	fflush(json->file);
	json->comma = false;
}
