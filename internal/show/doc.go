// Package show writes what was found: records, groups, a timeline and the account of
// what was read, as text for people, CSV and TSV for spreadsheets, JSON for programs,
// SVG for pages.
package show
