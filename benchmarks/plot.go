package main

import (
	"bytes"
	"fmt"
	"html/template"
	"image/color"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// plot is a finished picture.
type plot struct {
	title string
	svg   template.HTML
}

// bars is a plot of groups of bars, one of each series.
type bars struct {
	unit   string
	groups []string
	names  []string
	values [][]float64
}

func (b *bars) add(name string, values []float64) {
	b.names, b.values = append(b.names, name), append(b.values, values)
}

// hues are the bars' colours, which most people can tell apart (Okabe and Ito). Ours are the blue ones.
var hues = []color.RGBA{{0, 114, 178, 255}, {86, 180, 233, 255}, {0, 60, 100, 255}, {230, 159, 0, 255},
	{213, 94, 0, 255}}

func (b *bars) plot(title string) (plot, error) {
	p := canvas(b.unit)
	const width = vg.Length(12)
	for i, values := range b.values {
		chart, err := plotter.NewBarChart(plotter.Values(values), width)
		if err != nil {
			return plot{}, fmt.Errorf("plot %s: %w", title, err)
		}
		chart.Color, chart.LineStyle.Width = hues[i%len(hues)], 0
		chart.Offset = width * (vg.Length(i) - vg.Length(len(b.values)-1)/2)
		p.Add(chart)
		p.Legend.Add(b.names[i], chart)
	}
	p.NominalX(b.groups...)
	p.Y.Max *= 1.4 // room for the legend
	return drawn(title, p)
}

// curve is a plot of lines over sizes that multiply.
type curve struct {
	x, y   string
	names  []string
	points map[string]plotter.XYs
}

func (c *curve) add(name string, x int, y float64) {
	if c.points == nil {
		c.points = map[string]plotter.XYs{}
	}
	if c.points[name] == nil {
		c.names = append(c.names, name)
	}
	c.points[name] = append(c.points[name], plotter.XY{X: float64(x), Y: y})
}

func (c *curve) plot(title string) (plot, error) {
	p := canvas(c.y)
	p.X.Label.Text, p.X.Scale, p.X.Tick.Marker = c.x, gonum.LogScale{}, gonum.LogTicks{Prec: -1}
	for i, name := range c.names {
		line, dots, err := plotter.NewLinePoints(c.points[name])
		if err != nil {
			return plot{}, fmt.Errorf("plot %s: %w", title, err)
		}
		line.Color, line.Width, dots.Color = curveHues[i%len(curveHues)], 2, curveHues[i%len(curveHues)]
		p.Add(line, dots)
		p.Legend.Add(name, line)
	}
	p.Y.Max *= 1.4 // room for the legend
	return drawn(title, p)
}

// curveHues are of the same colours, ours the blue ones.
var curveHues = []color.RGBA{hues[0], hues[2], hues[3], hues[4]}

// canvas is an empty plot in the report's style.
func canvas(unit string) *gonum.Plot {
	gonum.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	p := gonum.New()
	p.Y.Label.Text, p.Y.Min = unit, 0
	p.Legend.Top, p.Legend.ThumbnailWidth = true, 10
	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	p.Add(grid)
	return p
}

// drawn is p as part of a page.
func drawn(title string, p *gonum.Plot) (plot, error) {
	c := vgsvg.New(24*vg.Centimeter, 10*vg.Centimeter)
	p.Draw(draw.New(c))
	var out bytes.Buffer
	if _, err := c.WriteTo(&out); err != nil {
		return plot{}, fmt.Errorf("plot %s: %w", title, err)
	}
	_, svg, _ := bytes.Cut(out.Bytes(), []byte("<svg"))      // without the head of a file of its own
	drawing := template.HTML(append([]byte("<svg"), svg...)) //nolint:gosec // ours; the library escapes its texts
	return plot{title, drawing}, nil
}
