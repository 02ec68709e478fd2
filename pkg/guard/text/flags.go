package text

import "strings"

// flagTags reports whether the tags of England, Scotland or Wales follow, the only ones in Unicode's list of emoji. Any other is a hidden text.
func flagTags(in []rune) bool {
	if len(in) < 6 || in[5] != 0xe007f {
		return false
	}
	var region [5]byte
	for i, r := range in[:5] {
		if !isTag(r) {
			return false
		}
		region[i] = byte(r) // the low seven bits are ASCII
	}
	switch string(region[:]) {
	case "gbeng", "gbsct", "gbwls":
		return true
	}
	return false
}

// regions returns a run of regional indicators as it is where it is flags throughout, else as the letters it spells. Characters in between break
// flags on the screen, so a broken run was meant as letters.
func regions(in []rune, broken bool) []rune {
	letters := make([]rune, 0, len(in))
	for _, r := range in {
		if r >= firstRegion && r <= lastRegion {
			letters = append(letters, 'A'+r-firstRegion)
		}
	}
	flags := !broken && len(letters)%2 == 0
	for i := 0; flags && i < len(letters); i += 2 {
		at := strings.Index(flagRegions, string(letters[i:i+2])+" ")
		flags = at >= 0
	}
	if flags {
		return in
	}
	return letters
}

// flagRegions are the regions with a flag: ISO 3166, and those that Unicode's emoji list adds.
const flagRegions = "AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG " +
	"CH CI CK CL CM CN CO CP CR CU CV CW CX CY CZ DE DG DJ DK DM DO DZ EA EC EE EG EH ER ES ET EU FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN " +
	"GP GQ GR GS GT GU GW GY HK HM HN HR HT HU IC ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT " +
	"LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN " +
	"PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW " +
	"TZ UA UG UM UN US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW "
