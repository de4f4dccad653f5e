#!/bin/sh
# embed.sh - turns .sql files into C text, for the build.
#   embed.sh statements OUT.c DEPFILE SQL_DIR           one `const char db_sql_NAME[]` a file
#   embed.sh migrations OUT.c DEPFILE MIGRATIONS_DIR    the table db_migrations
# The dependency file names every .sql file and the folders themselves, so that an edited, a new
# and a removed file all rebuild.
set -eu
LC_ALL=C
export LC_ALL

mode=$1 out=$2 depfile=$3 dir=$4

# A text as C string literals, one a line.
literal() {
  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/	/\\t/g' -e 's/^/    "/' -e 's/$/\\n"/' "$1"
  echo '    ""'
}

depend() {
  if [ -e "$1" ]; then
    printf ' ' >>"$depfile.new"
    printf '%s' "$1" | sed 's/ /\\ /g' >>"$depfile.new"
  fi
}

statements() {
  depend "$dir"
  for file in "$dir"/*.sql; do
    [ -f "$file" ] || continue
    depend "$file"
    name=$(basename "$file" .sql)
    printf 'extern const char db_sql_%s[];\nconst char db_sql_%s[] =\n' "$name" "$name"
    literal "$file"
    printf '    ;\n'
  done
}

# $1 is the kind, $2 the folder; the shell sorts by name.
migration_rows() {
  depend "$2"
  for file in "$2"/*.sql; do
    [ -f "$file" ] || continue
    depend "$file"
    printf '    { DB_MIGRATION_%s, "%s",\n' "$1" "$(basename "$file" .sql)"
    literal "$file"
    printf '    },\n'
  done
}

migrations() {
  printf '#include "db/migrate.h"\n\n'
  printf 'static const struct db_migration items[] = {\n'
  migration_rows NUMBERED "$dir"
  migration_rows FUNCTION "$dir/functions"
  migration_rows VIEW "$dir/views"
  printf '    { DB_MIGRATION_VIEW, 0, 0 },\n};\n\n'
  printf 'const struct db_migrations db_migrations = {\n'
  printf '    items, sizeof items / sizeof items[0] - 1\n};\n'
}

printf '%s:' "$out" >"$depfile.new"
case $mode in
statements) statements >"$out.new" ;;
migrations) migrations >"$out.new" ;;
*) echo "embed.sh: statements or migrations" >&2; exit 2 ;;
esac
printf '\n' >>"$depfile.new"
mv "$depfile.new" "$depfile"
mv "$out.new" "$out"
