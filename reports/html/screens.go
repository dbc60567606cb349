package html

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"

	"blackout/reports/verdict"
)

const (
	screenWidth   = 640     // pixels, of a picture in the page: the file beside it has all of them
	screenQuality = 85      // of JPEG, of 100
	maxScreen     = 1 << 24 // pixels of a picture that is read
)

// screenView is one picture of what a browser showed.
type screenView struct {
	verdict.Picture
	Data template.URL // "" when the file is gone, or no picture
}

// screensOf are a journey's pictures, read from the run's folder and made small, since the page holds them itself.
func screensOf(v *verdict.Verdict, journey string, folder fs.FS) []screenView {
	var out []screenView
	for _, p := range v.Pictures {
		if p.Journey != journey {
			continue
		}
		s := screenView{Picture: p}
		if folder != nil {
			if data, err := fs.ReadFile(folder, p.File); err == nil {
				s.Data = small(data)
			}
		}
		out = append(out, s)
	}
	return out
}

// small makes a picture no wider than screenWidth, as a data URL: in the format that is shorter. It is "" for what is no PNG.
func small(data []byte) template.URL {
	size, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil || size.Width <= 0 || size.Height <= 0 || size.Width > maxScreen/size.Height {
		return ""
	}
	full, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return ""
	}
	shown := shrink(full, min(screenWidth, size.Width))
	var asPNG, asJPEG bytes.Buffer
	best := &png.Encoder{CompressionLevel: png.BestCompression}
	if best.Encode(&asPNG, shown) != nil || jpeg.Encode(&asJPEG, shown, &jpeg.Options{Quality: screenQuality}) != nil {
		return ""
	}
	kind, shortest := "png", asPNG.Bytes()
	if asJPEG.Len() < asPNG.Len() {
		kind, shortest = "jpeg", asJPEG.Bytes()
	}
	return template.URL(fmt.Sprintf("data:image/%s;base64,%s", kind, base64.StdEncoding.EncodeToString(shortest)))
}

// shrink scales a picture to a width that is no larger: each pixel is the mean of those that it stands for.
func shrink(from image.Image, width int) image.Image {
	b := from.Bounds()
	height := max(1, b.Dy()*width/b.Dx())
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			area := image.Rect(x*b.Dx()/width, y*b.Dy()/height, max(x*b.Dx()/width+1, (x+1)*b.Dx()/width), max(y*b.Dy()/height+1, (y+1)*b.Dy()/height)).Add(b.Min)
			to.Set(x, y, mean(from, area))
		}
	}
	return to
}

func mean(of image.Image, area image.Rectangle) color.Color {
	var red, green, blue, n uint64
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			r, g, b, _ := of.At(x, y).RGBA()
			red, green, blue, n = red+uint64(r), green+uint64(g), blue+uint64(b), n+1
		}
	}
	return color.RGBA64{uint16(red / n), uint16(green / n), uint16(blue / n), 0xffff}
}
