package checks

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestContainerHasAGoThatIsNewEnough(t *testing.T) {
	t.Parallel()
	text, _ := readIfThere(t, ".devcontainer/devcontainer.json")
	var container struct{ Image string }
	if err := json.Unmarshal([]byte(text), &container); err != nil {
		t.Fatal(err)
	}
	mod, _ := readIfThere(t, "go.mod")
	var has, wants int
	_, errHas := fmt.Sscanf(container.Image, "golang:1.%d", &has)
	_, errWants := fmt.Sscanf(mod[max(strings.Index(mod, "\ngo "), 0):], "\ngo 1.%d", &wants)
	if errHas != nil || errWants != nil || has < wants {
		t.Errorf("the container is %q, go.mod wants Go 1.%d", container.Image, wants)
	}
	platforms, _ := readIfThere(t, "docs/PLATFORMS.md")
	if !strings.Contains(platforms, " "+container.Image+" ") {
		t.Errorf("PLATFORMS.md does not run %q", container.Image)
	}
}
