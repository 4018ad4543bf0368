// The kinds of panel that both dashboards use, and how rows of them become a dashboard. Units are names that Grafana defines:
// https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  ScaleDistribution,
  ScaleDistributionConfigBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common'
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  MappingType,
  type Panel,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as HeatmapBuilder, YAxisConfigBuilder } from '@grafana/grafana-foundation-sdk/heatmap'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as StateTimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline'
import { PanelBuilder as GraphBuilder } from '@grafana/grafana-foundation-sdk/timeseries'

/** The datasource that `provisioning/datasources/prometheus.yml` sets up. */
export const prometheus = { type: 'prometheus', uid: 'prometheus' }

/** One expression, and the name of its series: text with `{{label}}` for the value of a label. */
type Query = [expression: string, legend: string]

type Colour = 'green' | 'orange' | 'red'

/** `width`: of 24 columns. `steps`: the colour from each value on; the first colour has no value. */
type Spec = {
  title: string
  description: string
  unit: string
  queries: Query[]
  width?: number
  steps?: [from: number | null, colour: Colour][]
}

/** Grafana's builders of panels have these methods in common. */
type Builder = {
  title(text: string): unknown
  description(text: string): unknown
  unit(unit: string): unknown
  datasource(source: typeof prometheus): unknown
  height(rows: number): unknown
  span(columns: number): unknown
  withTarget(query: DataqueryBuilder): unknown
  thresholds(thresholds: ThresholdsConfigBuilder): unknown
  build(): Panel
}

function build(builder: Builder, spec: Spec, height: number, format = PromQueryFormat.TimeSeries): Panel {
  builder.title(spec.title)
  builder.description(spec.description)
  builder.unit(spec.unit)
  builder.datasource(prometheus)
  builder.height(height)
  builder.span(spec.width ?? 12)
  if (spec.steps) {
    const steps = spec.steps.map(([value, color]) => ({ value, color }))
    builder.thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
  }
  for (const [index, [expression, legend]] of spec.queries.entries()) {
    const query = new DataqueryBuilder().refId(String.fromCharCode(65 + index)).expr(expression)
    builder.withTarget(query.legendFormat(legend).format(format).range().datasource(prometheus))
  }
  return builder.build()
}

/** Lines over time; `stacked` ones add up to their sum. */
export function graph(spec: Spec & { stacked?: boolean; most?: number; logarithmic?: boolean }): Panel {
  const legend = new VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
  const tooltip = new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending)
  const builder = new GraphBuilder()
    .legend(legend)
    .tooltip(tooltip)
    .lineWidth(1)
    .fillOpacity(spec.stacked ? 60 : 8)
    .showPoints(VisibilityMode.Never)
    .stacking(new StackingConfigBuilder().mode(spec.stacked ? StackingMode.Normal : StackingMode.None))
  if (!spec.logarithmic) builder.axisSoftMin(0)
  if (spec.logarithmic)
    builder.scaleDistribution(new ScaleDistributionConfigBuilder().type(ScaleDistribution.Log).log(10))
  if (spec.most !== undefined) builder.max(spec.most)
  return build(builder, spec, 8)
}

/** The newest value, large. `words` replace values; `named` shows the series' name instead of its value. */
export function stat(spec: Spec & { words?: Record<string, string>; named?: boolean }): Panel {
  const builder = new StatBuilder()
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .colorMode(spec.steps ? BigValueColorMode.Value : BigValueColorMode.None)
    .graphMode(spec.named || spec.words ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .textMode(spec.named ? BigValueTextMode.Name : BigValueTextMode.Value)
  if (spec.words) builder.mappings(wordMappings(spec.words))
  return build(builder, { width: 3, ...spec }, 4)
}

/** How many observations fell in each bucket of a histogram, over time. Its query returns buckets by `le`. */
export function heatmap(spec: Spec): Panel {
  const builder = new HeatmapBuilder()
    .calculate(false)
    .yAxis(new YAxisConfigBuilder().unit(spec.unit))
    .showValue(VisibilityMode.Never)
  return build(builder, spec, 8, PromQueryFormat.Heatmap)
}

/** A bar for each series, coloured by its value. */
export function timeline(spec: Spec & { words: Record<string, string> }): Panel {
  const builder = new StateTimelineBuilder()
    .mappings(wordMappings(spec.words))
    .showValue(VisibilityMode.Never)
    .mergeValues(true)
  return build(builder, spec, 8)
}

function wordMappings(words: Record<string, string>) {
  const options = Object.entries(words).map(([value, text], index) => [value, { text, index }])
  return [{ type: MappingType.ValueToText as const, options: Object.fromEntries(options) }]
}

/** Rows of panels under titles. Panels get their ids and places by their order. */
export function dashboard(about: {
  uid: string
  title: string
  description: string
  variables: VariableModel[]
  rows: [title: string, panels: Panel[]][]
}): Dashboard {
  const builder = new DashboardBuilder(about.title)
    .uid(about.uid)
    .description(about.description)
    .tags(['balance-board'])
    .time({ from: 'now-30m', to: 'now' })
    .refresh('10s')
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
  for (const variable of about.variables) builder.withVariable({ build: () => variable })
  let id = 0
  for (const [title, panels] of about.rows) {
    builder.withRow(new RowBuilder(title).id(++id))
    for (const panel of panels) {
      const numbered = { ...panel, id: ++id }
      builder.withPanel({ build: () => numbered })
    }
  }
  return builder.build()
}
