package html_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	_ "image/jpeg"
	"image/png"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"blackout/reports/html"
	"blackout/reports/verdict"
)

// TestScreens holds that the page holds its pictures itself, made small, with the attempt and its class, and says so where one is gone or is none.
func TestScreens(t *testing.T) {
	shot := image.NewRGBA(image.Rect(0, 0, 1024, 640))
	for i := range shot.Pix {
		shot.Pix[i] = 0xff
	}
	for y := range 640 {
		for x := range 512 {
			shot.Set(x, y, color.Black)
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, shot); err != nil {
		t.Fatal(err)
	}
	j, h := sample()
	j.Verdict.Pictures = []verdict.Picture{
		{Journey: "view", Phase: "baseline", Attempt: "view#1", Class: verdict.OK, File: "screens/a.png"}, {Journey: "view", Phase: "<b>lost", Attempt: "view#2", Class: verdict.Wrong, File: "screens/b.png"},
		{Journey: "view", Phase: "after", Attempt: "view#3", Class: verdict.OK, File: "screens/c.png"}, {Journey: "view", Phase: "after", Attempt: "view#3", Class: verdict.OK, File: "../secret"},
	}
	var out bytes.Buffer
	folder := fstest.MapFS{"screens/a.png": {Data: file.Bytes()}, "screens/b.png": {Data: []byte("<script>")}}
	if err := html.Write(&out, j, h, folder); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, want := range []string{"What a person saw", "view#2", `<i class="c-wrong">`, "screens/b.png is not there", "screens/c.png is not there", "../secret is not there"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<b>lost") || strings.Contains(page, "<script>") {
		t.Error("the page runs what it should show")
	}
	found := regexp.MustCompile(`src="data:image/[a-z]+;base64,([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(found) != 1 {
		t.Fatalf("%d pictures in the page", len(found))
	}
	data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(found[0][1], "&#43;", "+"))
	if err != nil {
		t.Fatal(err)
	}
	small, _, err := image.Decode(bytes.NewReader(data))
	if err != nil || small.Bounds().Dx() != 640 || small.Bounds().Dy() != 400 {
		t.Fatalf("%v, %v", small.Bounds(), err)
	}
	left, _, _, _ := small.At(100, 200).RGBA()
	right, _, _, _ := small.At(500, 200).RGBA()
	if left > 0x1000 || right < 0xf000 {
		t.Errorf("black is %x, white is %x", left, right)
	}
}
