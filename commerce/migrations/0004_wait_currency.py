from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0003_lighter_holds'),
    ]

    operations = [
        migrations.AddField(
            model_name='wait',
            name='currency',
            field=models.CharField(default='', max_length=3),
            preserve_default=False,
        ),
    ]
