# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2153 # shared with the others
# patches/ and overlay -> build/linux

series_apply()
{
	local force=false want lost

	while (($#)); do
		case $1 in
		--force) force=true ;;
		*) die "apply: unknown argument '$1': see --help" ;;
		esac
		shift
	done
	need_tree
	[[ -z $(unfinished) ]] || die "$TREE has $(unfinished) under way: finish or abort it"
	manifest_read
	patches_read
	no_faults
	compute_start "$TREE/.git" base
	no_faults
	want=$(commits refs/series/wanted "${!NAME[@]}") || exit 1

	lost=$(unsaved "$want" refs/series/pending)
	if [[ -n $lost ]]; then
		$force || die "$TREE has what patches/ lacks: $lost. $SERIES refresh takes it over, apply --force stashes it"
		set_aside "$lost"
	fi
	switch_to "$want"
	t update-ref refs/series/source "$(snapshot)"
}

# set_aside WHAT: nobody's work is thrown away, it is only put out of the way
set_aside()
{
	msg "putting aside: $1"
	msg "commits stay in: git -C $TREE log $(t rev-parse HEAD)"
	[[ -z $(edited) ]] ||
		t -c user.name=series -c user.email=series@localhost stash push \
			--quiet --include-untracked -m 'series apply --force'
}

# switch_to COMMIT: as branch series, writing only the files that change
switch_to()
{
	if [[ $(t symbolic-ref --quiet HEAD) == refs/heads/series &&
	      $(t_id HEAD) == "$1" && -z $(edited) ]]; then
		t update-ref refs/series/applied "$1"
		msg "build/$PROJECT is up to date (${#NAME[@]} patches)"
		return
	fi
	t update-ref refs/series/pending "$1"
	t read-tree --reset -u "$1"
	t update-ref refs/heads/series "$1"
	t symbolic-ref HEAD refs/heads/series
	t update-ref refs/series/applied "$1"
	t update-ref -d refs/series/pending
	msg "build/$PROJECT has the series (${#NAME[@]} patches)"
}
