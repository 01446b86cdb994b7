package mlflow

import (
	"fmt"
	"math/rand/v2"
)

// The words of made-up names.
var (
	adjectives = []string{
		"able", "airy", "amber", "bold", "brave", "breezy", "bright", "brisk", "calm", "candid", "cheerful", "clear", "clever", "cosy", "crisp",
		"curious", "daring", "deft", "eager", "early", "earnest", "easy", "fair", "fancy", "fleet", "fond", "frank", "fresh", "gentle", "glad",
		"golden", "grand", "happy", "hardy", "honest", "humble", "jolly", "keen", "kind", "lively", "lucid", "lucky", "mellow", "merry", "mild",
		"neat", "nimble", "noble", "patient", "placid", "plucky", "polite", "proud", "quick", "quiet", "rapid", "ready", "rosy", "silent", "sleek",
		"smart", "snug", "sober", "spry", "steady", "still", "sturdy", "subtle", "sunny", "swift", "tidy", "vivid", "warm", "wise", "witty", "zesty",
	}
	animals = []string{
		"badger", "bat", "bear", "beaver", "bee", "bison", "camel", "carp", "cat", "cod", "crab", "crane", "crow", "deer", "dingo", "dove", "duck",
		"eagle", "eel", "elk", "falcon", "ferret", "finch", "fox", "frog", "gecko", "goat", "goose", "gull", "hare", "hawk", "heron", "horse",
		"ibex", "ibis", "jackal", "jay", "kite", "koala", "lark", "lemur", "lion", "llama", "lynx", "magpie", "marten", "mole", "moose", "moth",
		"mouse", "newt", "otter", "owl", "panda", "perch", "pike", "pony", "quail", "rabbit", "raven", "robin", "seal", "shark", "shrew", "sloth",
		"snail", "stork", "swan", "tapir", "tiger", "toad", "trout", "turtle", "viper", "whale", "wolf", "wren", "yak", "zebra",
	}
)

// randomName makes up the name of a run, or of a logged model, that was given
// none. Names need not be unique.
func randomName() string {
	return fmt.Sprintf("%s-%s-%d", adjectives[rand.IntN(len(adjectives))], animals[rand.IntN(len(animals))], rand.IntN(1000))
}
